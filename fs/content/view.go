package content

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// view is a snapshot with what each number in it stands for, and the images that are gone from it but that the kernel
// may still use. It never changes.
type view struct {
	snap   *store.Snapshot
	images map[uint32]*image // those that are gone, too
	gone   map[uint32]*image
	owners map[uint32]owner
	used   usage
}

// owner is what a number stands for.
type owner interface {
	// node finds the node of that local id, or ESTALE.
	node(local uint32) (node, error)
}

// newView takes over the images that are known, with what they hold open: those that are not in snap are gone.
func newView(f *FS, snap *store.Snapshot, known map[uint32]*image) *view {
	v := &view{
		snap: snap, images: make(map[uint32]*image, len(snap.Images)), gone: make(map[uint32]*image),
		owners: make(map[uint32]owner),
	}
	for _, stored := range snap.Images {
		im := known[stored.Number]
		if im == nil || im.Image != stored {
			im = newImage(f, stored)
		}
		v.add(im)
	}
	for number, im := range known {
		if v.images[number] == nil {
			v.add(im)
			v.gone[number] = im
		}
	}
	return v
}

func (v *view) add(im *image) {
	v.images[im.Number] = im
	v.owners[im.Number] = im
	for k, c := range im.Chains {
		v.owners[im.Number+1+uint32(k)] = layerDir{im, k}
		known, ok := v.owners[c.Number].(chain)
		if !ok {
			known = chain{im: im, pos: k}
		}
		if k == len(im.Chains)-1 && known.whole == nil {
			known.whole = im
		}
		v.owners[c.Number] = known
	}
}

// ids are those of all images, sorted.
func (v *view) ids() []digest.Digest {
	all := make([]digest.Digest, 0, len(v.images))
	for _, im := range v.images {
		all = append(all, im.ID)
	}
	slices.Sort(all)
	return all
}

// view returns what is served.
func (f *FS) view() *view {
	if v := f.current.Load(); v != nil {
		return v
	}
	return f.renewed()
}

// renewed returns what is served of the store as it is now. That an image appeared is seen at the root, so only there a
// request waits until it is pinned.
func (f *FS) renewed() *view {
	if v := f.current.Load(); v != nil && v.snap == f.store.Snapshot() {
		return v
	}
	f.renewing.Lock()
	defer f.renewing.Unlock()
	if v := f.current.Load(); v != nil && v.snap == f.store.Snapshot() {
		return v
	}
	return f.renew(f.known())
}

// known are the images that the kernel may know. It is called with renewing held.
func (f *FS) known() map[uint32]*image {
	if v := f.current.Load(); v != nil {
		return maps.Clone(v.images)
	}
	known := make(map[uint32]*image)
	if f.pins == nil {
		return known
	}
	for _, id := range f.pins.IDs() {
		stored, err := f.store.Retained(id)
		if err == nil {
			known[stored.Number] = newImage(f, stored)
		} else if !errors.Is(err, store.ErrNotFound) {
			f.log.printf("%s: what was open of it cannot be read any more: %v", id, err)
		}
	}
	return known
}

// renew makes a view of the snapshot and of what is known, and pins it before it is shown. It is called with renewing
// held.
func (f *FS) renew(known map[uint32]*image) *view {
	v := newView(f, f.store.Snapshot(), known)
	for range 3 {
		lost := f.pin(v)
		if len(lost) == 0 {
			break
		}
		// They were removed, and collected, before they were pinned.
		for _, im := range lost {
			delete(known, im.Number)
		}
		if _, err := f.store.Refresh(); err != nil {
			break
		}
		v = newView(f, f.store.Snapshot(), known)
	}
	f.current.Store(v)
	return v
}

// pinTime is how long a request may wait for those who write to the store.
const pinTime = time.Second

// pin pins a view's images, and returns those that cannot be pinned any more. If nothing can be pinned, it is shown all
// the same.
func (f *FS) pin(v *view) (lost []*image) {
	ids := v.ids()
	if f.pins == nil || slices.Equal(ids, f.pinned) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), pinTime)
	defer cancel()
	pinned, err := f.pins.Set(ctx, ids)
	if err != nil {
		f.log.printf("what is removed while somebody reads it may be lost to them: %v", err)
		return nil
	}
	f.pinned = slices.Sorted(slices.Values(pinned))
	for _, im := range v.images {
		if _, ok := slices.BinarySearch(f.pinned, im.ID); !ok {
			lost = append(lost, im)
		}
	}
	return lost
}
