package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

const box = "docker.io/library/box"

// oneFile is an image of one layer of one file.
func oneFile(t testing.TB, content string) storetest.Image {
	return storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", content))))
}

func update(t testing.TB, s *store.Store, changes ...store.Change) *store.Snapshot {
	t.Helper()
	snap, err := s.Update(t.Context(), func(*store.Snapshot) ([]store.Change, error) { return changes, nil })
	if err != nil {
		t.Fatalf("update: %v", err)
	}
	if snap != s.Snapshot() {
		t.Error("the state that was returned is not the store's")
	}
	return snap
}

func referenceNames(snap *store.Snapshot) (names []string) {
	for _, r := range snap.References {
		names = append(names, r.Name)
	}
	return names
}

func imageIDs(snap *store.Snapshot) (ids []digest.Digest) {
	for _, img := range snap.Images {
		ids = append(ids, img.ID)
	}
	return ids
}

func TestUpdate(t *testing.T) {
	s := storetest.New(t)
	a, b := oneFile(t, "a"), oneFile(t, "b")
	a.Publish(t, s, box+":1")
	b.Publish(t, s, box+":2")
	aDigest, bDigest := box+"@"+a.Descriptor.Digest.String(), box+"@"+b.Descriptor.Digest.String()
	for _, step := range []struct {
		what    string
		changes []store.Change
		names   []string
		images  []digest.Digest
	}{
		{"a new name", []store.Change{{Name: box + ":3", Target: &a.Descriptor}},
			[]string{box + ":1", box + ":2", box + ":3", aDigest, bDigest}, []digest.Digest{a.ID, b.ID}},
		{"a name that moves", []store.Change{{Name: box + ":1", Target: &b.Descriptor}},
			[]string{box + ":1", box + ":2", box + ":3", aDigest, bDigest}, []digest.Digest{a.ID, b.ID}},
		{"names taken away", []store.Change{{Name: box + ":3"}, {Name: aDigest}, {Name: box + ":none"}},
			[]string{box + ":1", box + ":2", bDigest}, []digest.Digest{a.ID, b.ID}},
		{"a rename", []store.Change{{Name: box + ":4", Target: &b.Descriptor}, {Name: box + ":2"}},
			[]string{box + ":1", box + ":4", bDigest}, []digest.Digest{a.ID, b.ID}},
		{"an image without a name removed", []store.Change{{Remove: a.ID}},
			[]string{box + ":1", box + ":4", bDigest}, []digest.Digest{b.ID}},
		{"one with three names removed", []store.Change{{Remove: b.ID}, {Remove: a.ID}}, nil, nil},
	} {
		snap := update(t, s, step.changes...)
		slices.Sort(step.names)
		if diff := cmp.Diff(step.names, referenceNames(snap)); diff != "" {
			t.Errorf("%s: names (-want +got):\n%s", step.what, diff)
		}
		if diff := cmp.Diff(step.images, imageIDs(snap)); diff != "" {
			t.Errorf("%s: images (-want +got):\n%s", step.what, diff)
		}
		if diff := cmp.Diff(referenceNames(snap), referenceNames(storetest.Open(t, s.Dir()).Snapshot())); diff != "" {
			t.Errorf("%s: another sees\n%s", step.what, diff)
		}
	}
}

func TestUpdateKeepsTheOtherImagesOfAnIndex(t *testing.T) {
	s := storetest.New(t)
	a, b := oneFile(t, "a"), oneFile(t, "b")
	x := storetest.NewIndex(t, a.Descriptor, b.Descriptor)
	x.Publish(t, s, box+":1", a, b)
	snap := update(t, s, store.Change{Remove: a.ID})
	if len(snap.References) != 0 || !slices.Equal(imageIDs(snap), []digest.Digest{b.ID}) {
		t.Errorf("references %v, images %v", referenceNames(snap), imageIDs(snap))
	}
	if snap = update(t, s, store.Change{Remove: b.ID}); len(snap.Images) != 0 {
		t.Errorf("images %v", imageIDs(snap))
	}
}

func TestUpdateGivesTheTimeOfATagThatMoved(t *testing.T) {
	s := storetest.New(t)
	a, b := oneFile(t, "a"), oneFile(t, "b")
	a.Publish(t, s, box+":1")
	b.Publish(t, s, box+":2")
	before := s.Snapshot()
	snap := update(t, s, store.Change{Name: box + ":1", Target: &b.Descriptor}, store.Change{Name: box + ":2", Target: &b.Descriptor})
	if !snap.Reference(box + ":1").Updated.After(before.Reference(box + ":2").Updated) {
		t.Error("the tag that moved has an old time")
	}
	if !snap.Reference(box + ":2").Updated.Equal(before.Reference(box + ":2").Updated) {
		t.Error("the tag that did not move has a new time")
	}
}

func TestUpdateRefuses(t *testing.T) {
	s := storetest.New(t)
	a := oneFile(t, "a")
	a.Publish(t, s, box+":1")
	absent := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("absent"), Size: 1}
	before := stat(t, s, "index.json", "numbers")
	undecided := errors.New("undecided")
	for name, c := range map[string]struct {
		changes []store.Change
		err     error
	}{
		"no change":       {},
		"no such name":    {changes: []store.Change{{Name: box + ":2"}}},
		"no such image":   {changes: []store.Change{{Remove: digest.FromString("absent")}}},
		"the same target": {changes: []store.Change{{Name: box + ":1", Target: &a.Descriptor}}},
		"absent target":   {changes: []store.Change{{Name: box + ":1"}, {Name: box + ":2", Target: &absent}}, err: store.ErrNotFound},
		"undecided":       {changes: []store.Change{{Name: box + ":1"}}, err: undecided},
	} {
		_, err := s.Update(t.Context(), func(*store.Snapshot) ([]store.Change, error) {
			if c.err == undecided {
				return c.changes, c.err
			}
			return c.changes, nil
		})
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, stat(t, s, "index.json", "numbers")); diff != "" {
			t.Errorf("%s: files changed:\n%s", name, diff)
		}
	}
	_, err := s.Update(t.Context(), func(*store.Snapshot) ([]store.Change, error) {
		return []store.Change{{Name: "box:1", Target: &a.Descriptor}}, nil
	})
	if err == nil {
		t.Error("a name that is not full is taken")
	}
}

func TestUpdateIsWatched(t *testing.T) {
	s := storetest.New(t)
	other := storetest.Open(t, s.Dir())
	oneFile(t, "a").Publish(t, s, box+":1")
	if _, err := other.Refresh(); err != nil {
		t.Fatal(err)
	}
	changes := watch(t, other)
	update(t, s, store.Change{Name: box + ":1"})
	if c := next(t, changes); c.new.Reference(box+":1") != nil || len(c.new.Images) != 1 {
		t.Errorf("names %v", referenceNames(c.new))
	}
}

// TestUpdateDropsWhatIsMissing moves a name away from a manifest that is not there any more.
func TestUpdateDropsWhatIsMissing(t *testing.T) {
	s := storetest.New(t)
	a, b := oneFile(t, "a"), oneFile(t, "b")
	a.Publish(t, s, box+":1")
	b.Publish(t, s, box+":2")
	update(t, s, store.Change{Name: box + "@" + a.Descriptor.Digest.String()})
	if err := os.Remove(blobFile(s, a.Descriptor.Digest)); err != nil {
		t.Fatal(err)
	}
	update(t, s, store.Change{Name: box + ":1", Target: &b.Descriptor})
	index := readAll(t, filepath.Join(s.Dir(), "index.json"))
	if bytes.Contains(index, []byte(a.Descriptor.Digest)) {
		t.Errorf("it is still kept:\n%s", index)
	}
}
