package content

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/storetest"
)

// notes are what a kernel was told.
type notes []string

func (n *notes) EntryNotify(node uint64, name string) error {
	*n = append(*n, fmt.Sprintf("entry %#x %s", node, name))
	return nil
}

func (n *notes) InodeNotify(node uint64, off, length int64) error {
	*n = append(*n, fmt.Sprintf("node %#x %d %d", node, off, length))
	return nil
}

func (n *notes) Prune(node uint64) error         { return nil }
func (n *notes) Knows(node uint64) (bool, error) { return false, nil }
func (n *notes) Settle()                         {}

func noteOf(im *store.Image, local uint32) string {
	return fmt.Sprintf("node %#x 0 0", nodeID(im.Number, local))
}

// named are those that tell of an image's names.
func named(im *store.Image) notes {
	return notes{noteOf(im, inspectFile), noteOf(im, imageTarFile), noteOf(im, ociTarFile)}
}

func TestChangedTellsTheKernel(t *testing.T) {
	s := stock(t)
	told := func(old, new *store.Snapshot) notes {
		var n notes
		s.fs.Changed(&n, old, new)
		return n
	}
	const root = "node 0x1 0 0"
	stocked := s.store.Snapshot()
	diff(t, "after a takeover", told(nil, stocked), slices.Concat(
		notes{root}, named(s.small), named(s.app), notes{noteOf(s.other, platformsFile)}, named(s.other),
	))

	tag := store.Publication{Name: "docker.io/library/app:2", Target: s.app.Manifest}
	tag.Manifests = append(tag.Manifests, s.app.Manifest)
	if _, err := s.store.Publish(t.Context(), tag); err != nil {
		t.Fatal(err)
	}
	tagged := s.store.Snapshot()
	diff(t, "after a tag", told(stocked, tagged), append(notes{root}, named(s.app)...))

	fresh := storetest.NewImage(t, baseLayer(t)).Publish(t, s.store, "docker.io/library/fresh:latest")
	diff(t, "after a pull", told(tagged, s.store.Snapshot()), append(notes{root, noteOf(s.other, platformsFile)}, named(fresh)...))
	diff(t, "after a removal", told(s.store.Snapshot(), tagged), notes{
		root, "entry 0x1 " + fresh.ID.Encoded(), noteOf(s.other, platformsFile),
	})
}

// TestInspectKeepsItsSize reads inspect.json after its tags have changed, before and after the kernel asks for its size.
func TestInspectKeepsItsSize(t *testing.T) {
	s := stock(t)
	where := s.app.ID.Encoded() + "/inspect.json"
	before := resolve(t, s.fs, where)
	tag := store.Publication{Name: "docker.io/library/renamed:1", Target: s.app.Manifest}
	tag.Manifests = append(tag.Manifests, s.app.Manifest)
	if _, err := s.store.Publish(t.Context(), tag); err != nil {
		t.Fatal(err)
	}
	if data, status := read(t, s.fs, before.NodeId, 4096); status != fuse.OK || uint64(len(data)) != before.Size {
		t.Errorf("%d bytes, %v; %d were announced", len(data), status, before.Size)
	}
	after, status := getattr(t, s.fs, before.NodeId)
	if status != fuse.OK || after.Size == before.Size {
		t.Errorf("the size is still %d, %v", after.Size, status)
	}
	if !after.ModTime().After(before.ModTime()) {
		t.Errorf("mtime was %v, is %v", before.ModTime(), after.ModTime())
	}
	if data, status := read(t, s.fs, before.NodeId, 4096); status != fuse.OK || uint64(len(data)) != after.Size {
		t.Errorf("%d bytes, %v; %d were announced", len(data), status, after.Size)
	}
}
