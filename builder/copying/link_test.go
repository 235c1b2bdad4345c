package copying

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/imagefs/imagefs/builder/source"
)

// archiveOf is a tar of a file, a symlink to the directory it is in, and a hard link.
func archiveOf(t *testing.T, link, to string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "dir/", Mode: 0o755}, {Typeflag: tar.TypeReg, Name: "dir/file", Mode: 0o644},
		{Typeflag: tar.TypeSymlink, Name: "to", Linkname: "dir"}, {Typeflag: tar.TypeLink, Name: link, Linkname: to},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// links copies from a tree, and returns where the layer's hard links lead.
func links(t *testing.T, item Item) (map[string]string, error) {
	t.Helper()
	item.Exact = true
	found, err := Find(t.Context(), Copy{Name: "ADD", Dest: "/x/", Items: []Item{item}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := found.WriteLayer(t.Context(), source.Empty(), Times{}, &out); err != nil {
		return nil, err
	}
	all := map[string]string{}
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeLink {
			all[h.Name] = h.Linkname
		}
	}
}

// TestHardLinks: a link leads to where its file was written, and has a name that a layer can have.
func TestHardLinks(t *testing.T) {
	unpacked := func(link, to string) (map[string]string, error) {
		file := source.Literal("a.tar", archiveOf(t, link, to), 0o644, time.Time{})
		return links(t, Item{Tree: file, Path: "a.tar", Unpack: true})
	}
	copied := func(link, to string) (map[string]string, error) {
		tree, err := source.OpenTar(bytes.NewReader(archiveOf(t, link, to)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tree.Close() })
		return links(t, Item{Tree: tree, Path: "/"})
	}
	if got, err := unpacked("hard", "to/file"); err != nil || got["x/hard"] != "x/dir/file" {
		t.Errorf("%v, %v", got, err)
	}
	var name *NameError
	for kind, links := range map[string]func(link, to string) (map[string]string, error){"unpacked": unpacked, "copied": copied} {
		if got, err := links("hard", "dir/file"); err != nil || got["x/hard"] != "x/dir/file" {
			t.Errorf("%s: %v, %v", kind, got, err)
		}
		if got, err := links(".wh.hard", "dir/file"); !errors.As(err, &name) {
			t.Errorf("%s: %v, %v", kind, got, err)
		}
	}
}
