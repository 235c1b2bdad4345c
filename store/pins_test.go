package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/storetest"
)

// lockPins is what the holder of a mount does.
func lockPins(t *testing.T, s *store.Store, name string) *os.File {
	t.Helper()
	f, err := store.LockPins(s.Dir(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func openPins(t *testing.T, s *store.Store, f *os.File) *store.Pins {
	t.Helper()
	p, err := s.OpenPins(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func setPins(t *testing.T, p *store.Pins, ids ...digest.Digest) {
	t.Helper()
	got, err := p.Set(t.Context(), ids)
	if err != nil || !slices.Equal(got, ids) || !slices.Equal(p.IDs(), ids) {
		t.Errorf("pinned %v, %v of %v: %v", got, p.IDs(), ids, err)
	}
}

func TestPinsKeepARemovedImage(t *testing.T) {
	for name, img := range shapes(t) {
		t.Run(name, func(t *testing.T) {
			s := storetest.New(t)
			published := img.Publish(t, s, box+":1")
			f := lockPins(t, s, "mnt")
			setPins(t, openPins(t, s, f), img.ID)

			rmi := storetest.Open(t, s.Dir())
			update(t, rmi, store.Change{Remove: img.ID})
			if c := collect(t, rmi); len(c.Blobs) > 0 || c.Bytes > 0 {
				t.Errorf("collected %v", c)
			}
			if _, err := s.Refresh(); err != nil || s.Snapshot().Image(img.ID) != nil {
				t.Fatalf("the image is still there: %v", err)
			}
			if got, err := s.Retained(img.ID); err != nil || got != published {
				t.Errorf("retained %v, %v", got, err)
			}

			successor := storetest.Open(t, s.Dir())
			p := openPins(t, successor, f)
			got, err := successor.Retained(img.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(published, got); diff != "" {
				t.Errorf("the successor's (-published +got):\n%s", diff)
			}
			checkImage(t, successor, got)
			setPins(t, p, img.ID)
			setPins(t, p)
			if _, err := successor.Retained(img.ID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("no longer pinned: %v", err)
			}
			if c := collect(t, successor); len(c.Blobs) != 2+len(img.Layers) {
				t.Errorf("collected %v", c)
			}
		})
	}
}

func TestPinsEndWithTheirLock(t *testing.T) {
	s := storetest.New(t)
	img := oneFile(t, "a")
	img.Publish(t, s, box+":1")
	f := lockPins(t, s, "mnt")
	setPins(t, openPins(t, s, f), img.ID)
	if _, err := store.LockPins(s.Dir(), "mnt"); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("locked twice: %v", err)
	}
	copied, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	update(t, s, store.Change{Remove: img.ID})
	if c := collect(t, s); len(c.Blobs) > 0 {
		t.Errorf("while a copy is open, collected %v", c)
	}
	syscall.Close(copied)
	if c := collect(t, s); len(c.Blobs) != 3 {
		t.Errorf("collected %v", c)
	}
	if left, err := filepath.Glob(filepath.Join(s.Dir(), "mounts", "*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
	if got, err := openPins(t, s, lockPins(t, s, "mnt")).Set(t.Context(), []digest.Digest{img.ID}); err != nil || len(got) > 0 {
		t.Errorf("pinned %v after it was removed: %v", got, err)
	}
	for _, name := range []string{"", "..", "a/b"} {
		if f, err := store.LockPins(s.Dir(), name); err == nil {
			f.Close()
			t.Errorf("name %q is taken", name)
		}
	}
}

func TestPinsAreLockedBeforeTheStoreIsMade(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	f, err := store.LockPins(root, "mnt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	setPins(t, openPins(t, storetest.Open(t, root), f))
}

// TestPinsOfAKilledServer cuts and damages the file everywhere: what was pinned before the last Set stays pinned, or what
// it was setting is.
func TestPinsOfAKilledServer(t *testing.T) {
	s := storetest.New(t)
	var ids []digest.Digest
	for _, content := range []string{"a", "b", "c"} {
		img := oneFile(t, content)
		img.Publish(t, s, box+":"+content)
		ids = append(ids, img.ID)
	}
	f := lockPins(t, s, "mnt")
	p := openPins(t, s, f)
	last := []digest.Digest{}
	for i := range 20 {
		before := readAll(t, f.Name())
		next := ids[:i%4%len(ids)+1]
		setPins(t, p, next...)
		after := readAll(t, f.Name())
		if len(after) > 2000 {
			t.Errorf("the file has %d bytes", len(after))
		}
		for _, cut := range []int{0, 1, 10, 100, len(after) - 1} {
			torn := slices.Clone(before)
			if len(after) > len(before) {
				torn = append(torn, after[len(before):max(len(before), cut)]...)
			} else {
				copy(torn, after[:min(cut, len(after))])
			}
			rewrite(t, f, torn)
			if i == 0 && len(torn) > 0 {
				continue // nothing was pinned before
			}
			if got := openPins(t, storetest.Open(t, s.Dir()), f).IDs(); !slices.Equal(got, last) {
				t.Fatalf("set %d, cut at %d: pinned are %v, not %v", i, cut, got, last)
			}
		}
		rewrite(t, f, after)
		last = next
	}
	rewrite(t, f, []byte("rubbish\n"))
	if _, err := s.Collect(t.Context()); err == nil {
		t.Error("collected although nobody knows what is pinned")
	}
}

func rewrite(t *testing.T, f *os.File, data []byte) {
	t.Helper()
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
}
