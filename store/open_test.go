package store_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestOpenMakesAStore(t *testing.T) {
	for name, prepare := range map[string]func(dir string){
		"absent":     func(dir string) { os.Remove(dir) },
		"empty":      func(string) {},
		"mountpoint": func(dir string) { os.Mkdir(filepath.Join(dir, "lost+found"), 0o700) },
		"unfinished": func(dir string) {
			os.WriteFile(filepath.Join(dir, "lock"), nil, 0o644)
			os.WriteFile(filepath.Join(dir, "index.json"), nil, 0o644)
			os.Mkdir(filepath.Join(dir, "ingest"), 0o755)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			prepare(dir)
			s := storetest.Open(t, dir)
			img := storetest.NewImage(t).Publish(t, s, "docker.io/library/box:1")
			if img.Number != 2 {
				t.Errorf("the first number is %d", img.Number)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"something else":  {map[string]string{"notes.txt": ""}, "neither empty nor an OCI image layout"},
		"a web site":      {map[string]string{"index.json": "{}"}, "neither empty nor an OCI image layout"},
		"not a layout":    {map[string]string{"oci-layout": "x"}, "not an OCI image layout"},
		"another version": {map[string]string{"oci-layout": `{"imageLayoutVersion":"2.0.0"}`, "index.json": "{}"}, `version "2.0.0"`},
		"a broken index":  {map[string]string{"oci-layout": `{"imageLayoutVersion":"1.0.0"}`, "index.json": "{"}, "index.json"},
		"a file":          {map[string]string{"oci-layout": `{"imageLayoutVersion":"1.0.0"}`, "index.json": "{}", "blobs": ""}, "blobs is not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, err := store.Open(dir)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v", err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != len(tt.files) {
				t.Errorf("it left %v", entries)
			}
		})
	}
}

func TestOpenRefusesALaterFormat(t *testing.T) {
	dir := t.TempDir()
	storetest.Open(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "numbers"), store.FormatLine(2), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir); err == nil || !strings.Contains(err.Error(), "later version") {
		t.Errorf("open: %v", err)
	}
}

func TestReadOnlyRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to mount read-only")
	}
	dir := t.TempDir()
	s := storetest.Open(t, dir)
	l := storetest.Gzip(t, bigLayer(t, 1))
	img := storetest.NewImage(t, l)
	img.Publish(t, s, "docker.io/library/box:1")
	remove(t, s, "checksums")
	ro := t.TempDir()
	if err := unix.Mount(dir, ro, "", unix.MS_BIND, ""); errors.Is(err, unix.EPERM) {
		t.Skipf("cannot bind: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(ro, unix.MNT_DETACH) })
	if err := unix.Mount("", ro, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	s = storetest.Open(t, ro)
	if got := s.Snapshot().Image(img.ID); got == nil {
		t.Error("no image")
	} else if _, err := s.Tree(got); err != nil {
		t.Error(err)
	}
	if r, err := s.OpenBlob(l.Descriptor.Digest); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
	if err := s.PutBlob("sha256:"+unusedHex, nil); err == nil {
		t.Error("put a blob")
	}
}

const unusedHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestOpenSweeps(t *testing.T) {
	dir := t.TempDir()
	live := storetest.Open(t, dir)
	storetest.Gzip(t, layertest.Tar(t)).Ingest(t, live) // has a place of its own now
	ingest := func(name string) string { return filepath.Join(dir, "ingest", name) }
	held, err := filepath.Glob(ingest("tmp-*"))
	if err != nil || len(held) != 2 {
		t.Fatalf("its place: %v, %v", held, err)
	}
	old := time.Now().Add(-30 * 24 * time.Hour)
	for _, name := range []string{"tmp-DEAD.lock", "aaaa", "aaaa.lock", "bbbb", "bbbb.lock"} {
		if err := os.WriteFile(ingest(name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(ingest("tmp-DEAD/layer"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(ingest("aaaa"), old, old); err != nil {
		t.Fatal(err)
	}
	storetest.Open(t, dir)
	for name, want := range map[string]bool{"tmp-DEAD": false, "tmp-DEAD.lock": false, "aaaa": false, "aaaa.lock": false, "bbbb": true, "bbbb.lock": true, filepath.Base(held[0]): true} {
		if _, err := os.Lstat(ingest(name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostileLayout(t *testing.T) {
	dir := t.TempDir()
	s := storetest.Open(t, dir)
	image := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", ""))))
	var loop storetest.Index
	for range 5 {
		loop = storetest.NewIndex(t, loop.Descriptor, image.Descriptor)
	}
	for name, manifests := range map[string]string{
		"digests": `[{"digest":"../../x"},{"digest":"sha256:../../../etc/passwd"},{"digest":"sha512:00"},{"digest":""},{}]`,
		"types":   `[1,null,"x",[],{"digest":5},{"annotations":[]}]`,
		"names":   `[{"annotations":{"io.containerd.image.name":"../../../etc"}},{"annotations":{"org.opencontainers.image.ref.name":"a/../b"}}]`,
		"nothing": `null`,
		"nested":  `[` + string(marshal(t, loop.Descriptor)) + `]`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.PutBlob(loop.Descriptor.Digest, loop.Raw); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, ocispec.ImageIndexFile), []byte(`{"manifests":`+manifests+`}`), 0o644); err != nil {
				t.Fatal(err)
			}
			snap, err := s.Refresh()
			if err != nil || len(snap.References) != 0 || len(snap.Images) > 1 {
				t.Fatalf("%v, %v", snap, err)
			}
			if err := s.Adopt(t.Context()); err != nil {
				t.Error(err)
			}
			image.Publish(t, s, "docker.io/library/box:1")
			if !json.Valid(readAll(t, filepath.Join(dir, ocispec.ImageIndexFile))) {
				t.Error("index.json is broken")
			}
		})
	}
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
