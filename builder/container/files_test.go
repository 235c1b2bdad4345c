package container

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// newFiles opens a directory with symlinks that would lead out of it; outside is what they must not reach.
func newFiles(t *testing.T) (f *Files, root, outside string) {
	t.Helper()
	dir := t.TempDir()
	root, outside = filepath.Join(dir, "root"), filepath.Join(dir, "outside")
	sh(t, dir, `mkdir -p root/dir/sub root/$1 outside; echo in > root/dir/file; echo out > outside/secret
		ln -s $1 root/abs; ln -s ../../outside root/up; ln -s dir root/link; ln -s ../dir/file root/dir/self; ln -s nowhere root/dangling
		echo shadow > root/$1/secret`, outside)
	f, err := OpenFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, root, outside
}

func TestStat(t *testing.T) {
	f, _, _ := newFiles(t)
	for _, c := range []struct {
		name   string
		follow bool
		want   Info
		err    error
	}{
		{"/dir", false, Info{"dir", true}, nil},
		{"link", false, Info{"link", false}, nil},
		{"link", true, Info{"link", true}, nil},
		{"/link/", false, Info{"link", true}, nil},
		{"/link/.", false, Info{"link", true}, nil},
		{"/", false, Info{"/", true}, nil},
		{"../../dir/file", false, Info{"file", false}, nil},
		{"/abs/secret", false, Info{"secret", false}, nil},
		{"/up/secret", false, Info{}, fs.ErrNotExist},
		{"/dangling", true, Info{}, fs.ErrNotExist},
		{"/dangling", false, Info{"dangling", false}, nil},
		{"/nope", false, Info{}, fs.ErrNotExist},
	} {
		got, err := f.Stat(c.name, c.follow)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s, %v: %+v, %v", c.name, c.follow, got, err)
		}
	}
	for name, want := range map[string]string{"/link/self": "/dir/file", "/": "/", "/..": "/", "link": "/dir"} {
		if got, err := f.Resolve(name); got != want || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestPackAndUnpack(t *testing.T) {
	f, root, _ := newFiles(t)
	sh(t, root, "chmod 4750 dir/file; ln dir/file dir/hard; mkfifo dir/fifo; setfattr -n user.a -v b dir/file; find dir -exec touch -h -d 2020-01-02 {} +")
	for _, c := range []struct {
		name   string
		follow bool
		as     string
		want   string
	}{
		{"/dir", false, "copy", "copy/ copy/fifo copy/file copy/hard copy/self copy/sub/"},
		{"/link", false, "copy", "copy"},
		{"/link", true, "copy", "copy/ copy/fifo copy/file copy/hard copy/self copy/sub/"},
		{"/link/.", false, "", "fifo file hard self sub/"},
		{"/dir/file", false, "other", "other"},
		{"/abs/secret", false, "s", "s"},
	} {
		var out bytes.Buffer
		if err := f.Pack(t.Context(), c.name, c.follow, c.as, &out); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if names := strings.Join(strings.Fields(sh(t, "/", "tar -tf $1", write(t, out.Bytes()))), " "); names != c.want {
			t.Errorf("%s: %s", c.name, names)
		}
	}
	var out bytes.Buffer
	if err := f.Pack(t.Context(), "/dir", false, "copy", &out); err != nil {
		t.Fatal(err)
	}
	if err := f.Unpack(t.Context(), "/dir/sub", true, &out); err != nil {
		t.Fatal(err)
	}
	sh(t, root, "mv dir/sub/copy copy; touch -d 2020-01-02 dir/sub")
	if diff := cmp.Diff(walk(t, filepath.Join(root, "dir")), walk(t, filepath.Join(root, "copy"))); diff != "" {
		t.Error(diff)
	}
}

// TestUnpackStaysInside unpacks what would leave the root.
func TestUnpackStaysInside(t *testing.T) {
	f, root, outside := newFiles(t)
	archive := func(h tar.Header) *bytes.Buffer {
		t.Helper()
		out := new(bytes.Buffer)
		w := tar.NewWriter(out)
		h.Mode, h.Size = 0o644, 4
		if h.Typeflag != tar.TypeReg {
			h.Size = 0
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			w.Write([]byte("evil"))
		}
		w.Close()
		return out
	}
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeReg, Name: "../../outside/new"}, {Typeflag: tar.TypeReg, Name: "/abs/new"}, {Typeflag: tar.TypeReg, Name: "abs/secret"},
		{Typeflag: tar.TypeReg, Name: "up/new"}, {Typeflag: tar.TypeLink, Name: "stolen", Linkname: "../../outside/secret"},
		{Typeflag: tar.TypeLink, Name: "stolen", Linkname: "up/secret"}, {Typeflag: tar.TypeDir, Name: "abs/dir"},
	} {
		f.Unpack(t.Context(), "/", false, archive(h)) // some fail; none may get out
	}
	if got := sh(t, outside, "ls -A; cat secret"); got != "secret\nout\n" {
		t.Errorf("outside has %s", got)
	}
	if _, err := os.Lstat(filepath.Join(root, "stolen")); err == nil {
		t.Error("a file from outside was linked")
	}
	if got := sh(t, root, "cat ./$1/secret ./$1/new; ls -d ./$1/dir | wc -l", outside); got != "evilevil1\n" {
		t.Errorf("inside: %q", got)
	}
	for name, h := range map[string]tar.Header{
		"cannot overwrite directory":     {Typeflag: tar.TypeReg, Name: "dir"},
		"cannot overwrite non-directory": {Typeflag: tar.TypeDir, Name: "dir/file"},
	} {
		if err := f.Unpack(t.Context(), "/", false, archive(h)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPackStaysInside packs what a symlink leads to while a directory on the way is exchanged for a symlink out of the root.
func TestPackStaysInside(t *testing.T) {
	f, root, outside := newFiles(t)
	sh(t, root, `mkdir -p real/dir $1/dir; echo in > real/dir/secret; echo out > $1/dir/secret
		ln -s real/dir/secret follow; ln -s $1 swapped`, outside)
	real, swapped := filepath.Join(root, "real"), filepath.Join(root, "swapped")
	ended := make(chan struct{})
	defer func() { <-ended }()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, real, unix.AT_FDCWD, swapped, unix.RENAME_EXCHANGE)
			}
		}
	}()
	for range 2000 {
		var out bytes.Buffer
		if err := f.Pack(t.Context(), "/follow", true, "got", &out); err != nil {
			continue // while the symlink is in the way
		}
		if bytes.Contains(out.Bytes(), []byte("out\n")) {
			t.Fatal("what is outside was packed")
		}
	}
}

// TestPackRoot packs the root, which stands in no directory.
func TestPackRoot(t *testing.T) {
	f, _, _ := newFiles(t)
	for _, as := range []string{"", "all"} {
		var out bytes.Buffer
		if err := f.Pack(t.Context(), "/", true, as, &out); err != nil {
			t.Fatal(err)
		}
		if all := headers(t, out.Bytes()); all[strings.TrimPrefix(as+"/", "/")+"dir/file"] == nil {
			t.Errorf("as %q: %v", as, all)
		}
	}
}

// TestUnpackRareTypes unpacks what is a file by another name, and what is none.
func TestUnpackRareTypes(t *testing.T) {
	f, root, _ := newFiles(t)
	sh(t, root, "truncate -s 1M sparse; echo end >> sparse; echo keep > pax_global_header")
	if err := f.Unpack(t.Context(), "/dir", false, strings.NewReader(sh(t, root, "tar --format=gnu -S -cf - sparse"))); err != nil {
		t.Fatal(err)
	}
	sh(t, root, "cmp sparse dir/sparse")
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "x"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeCont, Name: "cont", Size: 1, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte("c"))
	w.Close()
	if err := f.Unpack(t.Context(), "/", false, &out); err != nil {
		t.Fatal(err)
	}
	if got := sh(t, root, "cat pax_global_header cont"); got != "keep\nc" {
		t.Errorf("%q", got)
	}
}
