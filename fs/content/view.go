package content

import "github.com/imagefs/imagefs/store"

// view is a snapshot with what each number in it stands for. It never changes.
type view struct {
	snap   *store.Snapshot
	images map[uint32]*image
	owners map[uint32]owner
	used   usage
}

// owner is what a number stands for.
type owner interface {
	// node finds the node of that local id, or ESTALE.
	node(local uint32) (node, error)
}

// newView takes over from old, which may be nil, the images that are in both, with what they hold open.
func newView(f *FS, snap *store.Snapshot, old *view) *view {
	v := &view{snap: snap, images: make(map[uint32]*image, len(snap.Images)), owners: make(map[uint32]owner)}
	for _, stored := range snap.Images {
		im := old.image(stored.Number)
		if im == nil {
			im = newImage(f, stored)
		}
		v.add(im)
	}
	return v
}

func (v *view) image(number uint32) *image {
	if v == nil {
		return nil
	}
	return v.images[number]
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
