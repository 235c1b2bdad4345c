package e2e

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// savedImage is what is compared of an image.
type savedImage struct {
	config map[string]any // without what is empty
	files  []string       // a line for each
}

// readSaved reads a docker archive; its images by tag.
func readSaved(t *testing.T, archive []byte) map[string]savedImage {
	t.Helper()
	members, links := map[string][]byte{}, map[string]string{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if members[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeSymlink {
			links[h.Name] = path.Join(path.Dir(h.Name), h.Linkname)
		}
	}
	for name, to := range links {
		members[name] = members[to]
	}
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(members["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	all := map[string]savedImage{}
	for _, m := range manifest {
		tree := imageTree{}
		for _, layer := range m.Layers {
			tree.apply(t, members[layer])
		}
		for _, tag := range m.RepoTags {
			all[tag] = savedImage{readConfig(t, members[m.Config]), tree.lines()}
		}
	}
	return all
}

func readConfig(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var c struct {
		Config map[string]any
		Author string
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	for _, own := range []string{"Hostname", "Domainname", "Image", "ArgsEscaped"} { // of the container of the last step; of Windows
		delete(c.Config, own)
	}
	if labels, ok := c.Config["Labels"].(map[string]any); ok {
		delete(labels, "io.buildah.version")
	}
	maps.DeleteFunc(c.Config, func(_ string, v any) bool {
		text := fmt.Sprint(v)
		return v == nil || v == false || text == "" || text == "[]" || text == "map[]"
	})
	if c.Config == nil {
		c.Config = map[string]any{}
	}
	c.Config["Author"] = c.Author
	return c.Config
}

// imageTree has files by path. Hard links are the same file.
type imageTree map[string]*imageFile

type imageFile struct {
	tar.Header
	content string
}

// apply puts a layer over the tree.
func (tree imageTree) apply(t *testing.T, layer []byte) {
	t.Helper()
	added := imageTree{}
	for r := tar.NewReader(bytes.NewReader(layer)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := path.Clean("/" + h.Name)
		switch dir, base := path.Split(name); {
		case base == ".wh..wh..opq":
			tree.remove(dir)
		case strings.HasPrefix(base, ".wh..wh."):
		case strings.HasPrefix(base, ".wh."):
			tree.remove(dir + base[len(".wh."):])
			tree.remove(dir + base[len(".wh."):] + "/")
		case h.Typeflag == tar.TypeLink:
			to := path.Clean("/" + h.Linkname)
			if added[name] = added[to]; added[name] == nil {
				added[name] = tree[to]
			}
		default:
			added[name] = &imageFile{*h, string(content)}
		}
	}
	for name, f := range added {
		if f.Typeflag != tar.TypeDir {
			tree.remove(name + "/")
		}
		tree[name] = f
	}
}

// remove removes what has a path, or, if that ends with a slash, what is below it.
func (tree imageTree) remove(at string) {
	maps.DeleteFunc(tree, func(name string, _ *imageFile) bool {
		return name == at || strings.HasSuffix(at, "/") && strings.HasPrefix(name, at)
	})
}

// notCompared are files that buildah makes anew for each RUN.
var notCompared = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}

// lines are the tree's files but its root: path, type, mode, owner and group, device or link, xattrs, other names, size and
// content.
func (tree imageTree) lines() (lines []string) {
	names := map[*imageFile][]string{}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		names[tree[name]] = append(names[tree[name]], name)
	}
	for name, f := range tree {
		if name == "/" || slices.Contains(notCompared, name) {
			continue
		}
		mode, kind := f.Mode&0o7777, f.Typeflag
		if kind == tar.TypeSymlink {
			mode = 0o777
		}
		line := fmt.Sprintf("%s %c %o %d:%d", name, kind, mode, f.Uid, f.Gid)
		switch kind {
		case tar.TypeSymlink:
			line += " -> " + f.Linkname
		case tar.TypeChar, tar.TypeBlock:
			line += fmt.Sprintf(" %d,%d", f.Devmajor, f.Devminor)
		case tar.TypeReg:
			line += fmt.Sprintf(" %d %s", f.Size, shorten(f.content))
		}
		for _, key := range slices.Sorted(maps.Keys(f.PAXRecords)) {
			if strings.HasPrefix(key, "SCHILY.xattr.") {
				line += fmt.Sprintf(" %s=%q", key, f.PAXRecords[key])
			}
		}
		if len(names[f]) > 1 {
			line += fmt.Sprintf(" %q", names[f])
		}
		lines = append(lines, line)
	}
	return slices.Sorted(slices.Values(lines))
}

// shorten tells apart what a long text would.
func shorten(content string) string {
	if len(content) > 100 {
		return fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	}
	return fmt.Sprintf("%q", content)
}
