package source

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// trees are the same files as a directory and as a tar.
func trees(t *testing.T) map[string]Tree {
	t.Helper()
	dir := t.TempDir()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, d := range []string{"a", "a/b"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
		_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: d + "/", Mode: 0o755})
	}
	for _, name := range []string{"a/b/f", "top"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "./" + name, Mode: 0o644, Size: int64(len(name)), Uid: 5})
		_, _ = io.WriteString(w, name)
	}
	for name, to := range map[string]string{
		"abs": "/a/b", "a/up": "../../../top", "loop": "loop", "host": "/etc/passwd", "a/out": "../../etc", "gone": "a/nothing",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	archive, err := OpenTar(&buf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { archive.Close() })
	return map[string]Tree{"directory": d, "tar": archive}
}

func TestResolve(t *testing.T) {
	for kind, tree := range trees(t) {
		for name, want := range map[string]string{
			"": ".", "a/b/f": "a/b/f", "abs/f": "a/b/f", "/abs/../../top": "top", "a/up": "top", "abs/./f": "a/b/f",
		} {
			if real, f, err := Resolve(tree, name); real != want || f == nil || err != nil {
				t.Errorf("%s: %q: %q, %v, %v", kind, name, real, f, err)
			}
		}
		for name, want := range map[string]string{
			"host": "etc/passwd", "a/out/x": "etc/x", "gone": "a/nothing", "gone/more": "a/nothing/more", "../../etc": "etc", "x/../y/z": "y/z",
		} {
			if real, f, err := Resolve(tree, name); real != want || f != nil || err != nil {
				t.Errorf("%s: %q: %q, %v, %v", kind, name, real, f, err)
			}
		}
		if _, _, err := Resolve(tree, "loop"); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("%s: %v", kind, err)
		}
		if _, _, err := Resolve(tree, "top/x"); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", kind, err)
		}
		if f, err := tree.Lstat("top"); err != nil || f.UID != 0 || !f.IsRegular() || f.Size != 3 {
			t.Errorf("%s: %+v, %v", kind, f, err)
		}
		r, err := tree.Open("a/b/f")
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r); string(text) != "a/b/f" || err != nil {
			t.Errorf("%s: %q, %v", kind, text, err)
		}
		r.Close()
	}
}

func TestIgnore(t *testing.T) {
	for kind, tree := range trees(t) {
		all, err := Ignore(tree, strings.NewReader("a\n!a/b/f\nloop\n"))
		if err != nil {
			t.Fatal(err)
		}
		names, err := all.ReadDir("a")
		if strings.Join(names, " ") != "b" || err != nil {
			t.Errorf("%s: %q, %v", kind, names, err)
		}
		if _, err := all.Lstat("loop"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := all.Lstat("a/b/f"); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestTarRareTypes: what is a regular file by another name is one.
func TestTarRareTypes(t *testing.T) {
	for _, typ := range []byte{tar.TypeCont, tar.TypeGNUSparse} {
		if f := FileOf(&tar.Header{Typeflag: typ, Size: 3}); f == nil || !f.IsRegular() || f.Size != 3 {
			t.Errorf("%q: %+v", typ, f)
		}
	}
}

// TestTreesAreShared looks at a tree from two goroutines, for the race detector.
func TestTreesAreShared(t *testing.T) {
	for kind, tree := range trees(t) {
		ignoring, err := Ignore(tree, strings.NewReader("t?p\n"))
		if err != nil {
			t.Fatal(err)
		}
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() {
				if names, err := ignoring.ReadDir("."); len(names) != 5 || err != nil {
					t.Errorf("%s: %q, %v", kind, names, err)
				}
			})
		}
		readers.Wait()
	}
}
