package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/scripts/walk"
	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// TestEdgeImage compares an image full of edge cases with what umoci unpacks, and each of its layers with what GNU tar
// extracts.
func TestEdgeImage(t *testing.T) {
	need(t, "docker-registry", "skopeo", "umoci")
	tars := layertest.Edges(t)
	for _, form := range []struct {
		name  string
		layer func(*testing.T, []byte) v1.Layer
	}{{"gzip", ociGzip}, {"uncompressed", ociPlain}} {
		t.Run(form.name, func(t *testing.T) {
			var layers []v1.Layer
			for _, b := range tars {
				layers = append(layers, form.layer(t, b))
			}
			name := push(t, ociImage(t, layers...), "demo/edge:"+form.name)
			m := newMount(t)
			m.pull(name)
			rootfs := walkTree(t, m.tag(name, "rootfs"))
			t.Run("rootfs", func(t *testing.T) { compareEdges(t, tars, rootfs, walkTree(t, umociUnpack(t, name))) })
			for i, b := range tars {
				t.Run(fmt.Sprint("layer ", i), func(t *testing.T) { checkLayer(t, layerDir(t, m, name, i), b, rootfs) })
			}
		})
	}
}

// compareEdges compares rootfs with what umoci made of the same layers. It leaves out the mtime of what has no entry
// and of the directory that umoci made it in: umoci leaves the time at which it ran there.
func compareEdges(t *testing.T, tars [][]byte, rootfs, umoci walk.Tree) {
	t.Helper()
	if root := rootfs["."]; !strings.Contains(root, "mode=41755 uid=7 gid=0 mtime=1234567890.123456789") {
		t.Errorf("the root: %s", root)
	}
	untimed := withoutEntry(t, rootfs, tars...)
	for _, name := range untimed {
		untimed = append(untimed, path.Dir(name))
	}
	compare(t, without(mtime, rootfs, untimed...), without(mtime, umoci, untimed...))
	if len(umoci) < 100 {
		t.Errorf("only %d names were compared", len(umoci))
	}
}

// checkLayer wants the directory of a layer to be what its tar says.
func checkLayer(t *testing.T, dir string, b []byte, rootfs walk.Tree) {
	if got, want := strings.TrimSpace(sh(t, "jq -r .diffID "+dir+"/layer.json")), digest.FromBytes(b).String(); got != want {
		t.Errorf("diffID %s, want %s", got, want)
	}
	if got, err := os.ReadFile(dir + "/layer.tar"); err != nil || !bytes.Equal(got, b) {
		t.Errorf("layer.tar has %d bytes of sha256 %x, want %d of %x: %v", len(got), hash(got), len(b), hash(b), err)
	}
	// tar's escapes are those of ls -b, but for spaces. No name here has one, or holds .wh. elsewhere.
	list := `export LC_ALL=C.UTF-8; tar -tf ` + dir + `/layer.tar --quoting-style=escape 2>/dev/null |
		sed -nE '/(^|\/)\.wh\./{s/\.wh\.\.wh\.\.opq$//; s/\.wh\.//; p}' | LC_ALL=C sort -u`
	if got, want := sh(t, "cat "+dir+"/whiteouts"), sh(t, list); got != want {
		t.Errorf("whiteouts:\n%swant:\n%s", got, want)
	}
	checkDiff(t, dir, b, rootfs)
}

// checkDiff compares a layer's diff/ with what GNU tar extracts. tar has no layer below, and cannot make the hard links
// that lead there: these show the file that rootfs has, where no other layer touches them.
func checkDiff(t *testing.T, dir string, b []byte, rootfs walk.Tree) {
	t.Helper()
	got := walkTree(t, dir+"/diff")
	below := linksBelow(t, b)
	names := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(names, []byte(strings.Join(below, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(t.TempDir(), "extracted")
	for _, name := range below {
		if err := os.MkdirAll(filepath.Join(into, path.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	untar(t, dir+"/layer.tar", into, "--exclude='.wh.*' --no-wildcards --anchored --exclude-from="+names)
	extracted := walkTree(t, into)
	for _, name := range below {
		if _, ok := extracted[name]; ok {
			t.Errorf("tar extracted %q, whose target is in a layer below", name)
		}
		if g, w := linkFields.ReplaceAllString(got[name], ""), linkFields.ReplaceAllString(rootfs[name], ""); g == "" || g != w {
			t.Errorf("%q is a link to the layer below\n\tgot  %s\n\twant %s", name, g, w)
		}
		delete(got, name)
	}
	untimed := withoutEntry(t, got, b)
	compare(t, without(mtime, got, untimed...), without(mtime, extracted, untimed...))
}

// TestEdgeSparse compares sparse files in each of GNU tar's formats, the old one too, which umoci cannot read, with what
// GNU tar extracts.
func TestEdgeSparse(t *testing.T) {
	need(t, "docker-registry")
	var many []layertest.Extent // more than a header and a block after it hold
	for i := range int64(60) {
		many = append(many, layertest.Extent{Offset: i * 5000, Data: strings.Repeat(string(rune('0'+i)), int(i%5)*512)})
	}
	large := strings.Repeat("0123456789abcdef", layer.LargeSize/16+32)
	entries := []layertest.Entry{layertest.Dir(".")}
	for _, format := range []string{layertest.SparseGNU, layertest.SparsePAX00, layertest.SparsePAX01, layertest.SparsePAX10} {
		entries = append(entries,
			layertest.Sparse(format, format+"-hole", 50_000),
			layertest.Sparse(format, format+"-start", 40_000, layertest.Extent{Offset: 0, Data: "first"}),
			layertest.Sparse(format, format+"-end", 40_000, layertest.Extent{Offset: 39_996, Data: "last"}),
			layertest.Sparse(format, format+"-many", 60*5000, many...),
			layertest.Sparse(format, format+"-large", 16<<20,
				layertest.Extent{Offset: 12345, Data: large}, layertest.Extent{Offset: 9 << 20, Data: large}),
			layertest.Link(format+"-linked", format+"-many"))
	}
	b := layertest.Tar(t, entries...)
	for _, form := range []struct {
		name  string
		layer v1.Layer
	}{{"gzip", ociGzip(t, b)}, {"uncompressed", ociPlain(t, b)}} {
		t.Run(form.name, func(t *testing.T) {
			name := push(t, ociImage(t, form.layer), "demo/sparse:"+form.name)
			m := newMount(t)
			m.pull(name)
			rootfs := walkTree(t, m.tag(name, "rootfs"))
			if len(rootfs) != len(entries) {
				t.Errorf("%d names of %d entries", len(rootfs), len(entries))
			}
			dir := layerDir(t, m, name, 0)
			checkLayer(t, dir, b, rootfs)
			compare(t, rootfs, walkTree(t, dir+"/diff"))
		})
	}
}

// ociImage is an image of OCI's media types, which umoci wants.
func ociImage(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	return mutate.ConfigMediaType(mutate.MediaType(imageOf(t, layers...), types.OCIManifestSchema1), types.OCIConfigJSON)
}

func ociGzip(t *testing.T, tar []byte) v1.Layer {
	t.Helper()
	return rawLayer(t, tar, tarball.WithMediaType(types.OCILayer))
}

func ociPlain(_ *testing.T, tar []byte) v1.Layer {
	return static.NewLayer(tar, types.OCIUncompressedLayer)
}

// layerDir is the directory of layer i of an image.
func layerDir(t *testing.T, m *mount, name string, i int) string {
	t.Helper()
	found, err := filepath.Glob(m.tag(name, "layers", fmt.Sprintf("%02d-*", i)))
	if err != nil || len(found) != 1 {
		t.Fatalf("directories of layer %d: %q, %v", i, found, err)
	}
	return found[0]
}

// withoutEntry lists the directories of a tree that no layer has an entry for. None here is made anew without an entry
// after a layer had one.
func withoutEntry(t *testing.T, tree walk.Tree, tars ...[]byte) []string {
	t.Helper()
	known := map[string]bool{}
	for _, b := range tars {
		for _, h := range headers(t, b) {
			known[clean(h.Name)] = true
		}
	}
	var names []string
	for name, fields := range tree {
		if strings.HasPrefix(fields, "mode=4") && !known[name] {
			names = append(names, name)
		}
	}
	return names
}

var (
	mtime      = regexp.MustCompile(` mtime=\S+`)
	linkFields = regexp.MustCompile(` nlink=\d+| links=\[.*\]`)
)

// without leaves out a field of some names.
func without(field *regexp.Regexp, tree walk.Tree, names ...string) walk.Tree {
	tree = maps.Clone(tree)
	for _, name := range names {
		if fields, ok := tree[name]; ok {
			tree[name] = field.ReplaceAllString(fields, "")
		}
	}
	return tree
}
