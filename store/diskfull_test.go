package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestDiskFullEndsAStalledDownload(t *testing.T) {
	s := storetest.Open(t, smallDisk(t, "3m"))
	tar := layertest.Tar(t, layertest.File("a", string(make([]byte, 8<<20))), layertest.File("b", noise(1<<20, 1)))
	l := storetest.Gzip(t, tar)
	slow := stalling{l.Blob, make(chan struct{})}
	if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, slow.source, nil); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
	checkNoLeftovers(t, s)
}

// smallDisk is the directory of a filesystem of that size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "size="+size)
	return dir
}

// mount mounts until the test ends, or skips it.
func mount(t *testing.T, source, dir, kind string, flags uintptr, data string) {
	t.Helper()
	switch err := syscall.Mount(source, dir, kind, flags, data); err {
	case nil:
	case syscall.EPERM, syscall.ENODEV, syscall.EINVAL: // not this user, not this kernel, not on this file system
		t.Skipf("cannot mount %s: %v", source, err)
	default:
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

func TestDiskFull(t *testing.T) {
	dir := smallDisk(t, "6m")
	s := storetest.Open(t, dir)
	small := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", "1"))))
	small.Publish(t, s, "docker.io/library/small:1")
	for name, seed := range map[string]byte{"unpacking": 1, "again": 2} {
		l := storetest.Gzip(t, layertest.Tar(t, layertest.File("a", noise(2<<20, seed)), layertest.File("b", noise(2<<20, seed+8))))
		if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, l.Source, nil); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", name, err)
		}
	}
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	if err := s.PutBlob(digest.FromString("x"), []byte("x")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("put blob: %v", err)
	}
	p := store.Publication{Name: "docker.io/library/small:2", Target: small.Descriptor}
	if _, err := s.Publish(t.Context(), p); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("publish: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	again := storetest.Open(t, dir)
	if snap := again.Snapshot(); len(snap.Images) != 1 || len(snap.References) != 2 {
		t.Errorf("after all that: %v", snap.References)
	}
	if _, err := again.Publish(t.Context(), p); err != nil {
		t.Errorf("with room: %v", err)
	}
}

// fill takes all the room there is.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := 1 << 16; n > 0; {
		if _, err := f.Write(make([]byte, n)); err != nil {
			n /= 2
		}
	}
}

// TestRemoveFromFullDisk removes an image when not a block is free, and has its room back.
func TestRemoveFromFullDisk(t *testing.T) {
	dir := smallDisk(t, "8m")
	s := storetest.Open(t, dir)
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", noise(1<<20, 1)))))
	img.Publish(t, s, "docker.io/library/box:1")
	fill(t, filepath.Join(dir, "filler"))
	remove := func(*store.Snapshot) ([]store.Change, error) {
		return []store.Change{{Name: "docker.io/library/box:1"}, {Remove: img.ID}}, nil
	}
	snap, err := s.Update(t.Context(), remove)
	if err != nil || len(snap.Images) != 0 {
		t.Fatalf("%v, %v", snap, err)
	}
	if got, err := s.Collect(t.Context()); err != nil || got.Bytes < 1<<20 {
		t.Errorf("collected %+v, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "reserve")); err != nil {
		t.Errorf("there is no reserve again: %v", err)
	}
	if s.HasBlob(img.ID) {
		t.Error("the config is still there")
	}
}

// TestPinOnAFullDisk pins when a page is free, which is too little; then the reserve is.
func TestPinOnAFullDisk(t *testing.T) {
	dir := smallDisk(t, "3m")
	s := storetest.Open(t, dir)
	img := oneFile(t, "a")
	img.Publish(t, s, box+":1")
	f := lockPins(t, s, "mnt")
	p := openPins(t, s, f)
	reserve, filler := filepath.Join(dir, "reserve"), filepath.Join(dir, "filler")
	if err := os.Rename(reserve, filepath.Join(dir, "set aside")); err != nil {
		t.Fatal(err)
	}
	fill(t, filler)
	if err := os.Truncate(filler, int64(len(readAll(t, filler))-os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	many := slices.Repeat([]digest.Digest{img.ID}, 40)
	if _, err := p.Set(t.Context(), many); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("without a reserve: %v", err)
	}
	if left := readAll(t, f.Name()); len(left) > 0 {
		t.Errorf("half a line is left: %q", left)
	}
	if err := os.Rename(filepath.Join(dir, "set aside"), reserve); err != nil {
		t.Fatal(err)
	}
	setPins(t, p, many...)
}

// TestCollectMovesWithTheReserve has a disk on which a rename takes room: overlayfs copies what it moves.
func TestCollectMovesWithTheReserve(t *testing.T) {
	lower, root := t.TempDir(), t.TempDir()
	s := storetest.Open(t, lower)
	img := oneFile(t, "a")
	img.Publish(t, s, box+":1")
	update(t, s, store.Change{Remove: img.ID})
	for _, derived := range []string{"layers", "trees", "reserve"} { // a directory is not moved at all
		if err := os.RemoveAll(filepath.Join(lower, derived)); err != nil {
			t.Fatal(err)
		}
	}
	disk := smallDisk(t, "3m")
	upper, work := filepath.Join(disk, "upper"), filepath.Join(disk, "work")
	for _, dir := range []string{upper, work} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mount(t, "overlay", root, "overlay", 0, "lowerdir="+lower+",upperdir="+upper+",workdir="+work)
	over := storetest.Open(t, root)
	if _, err := os.Stat(filepath.Join(upper, "reserve")); err != nil {
		t.Fatal(err)
	}
	fill(t, filepath.Join(disk, "filler"))
	if got := collect(t, over); len(got.Blobs) != 3 {
		t.Errorf("collected %+v", got)
	}
}
