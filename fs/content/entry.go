package content

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/tree"
)

// entry is entry i of layer pos of an image, as every image with the same layers up to it shows it; im is one of them.
type entry struct {
	im    *image
	pos   int
	layer *layer.Layer
	i     int
}

func (e entry) id() uint64 { return nodeID(e.im.Chains[e.pos].Number, uint32(e.i)) }

func (e entry) path() string {
	below := "?"
	if stored, err := e.layer.Entry(e.i); err == nil {
		below = stored.Name
	}
	return e.im.diffs[e.pos].where(below)
}

func (e entry) attr(a *fuse.Attr) error {
	l, err := e.layer.Attr(e.i)
	if err != nil {
		return err
	}
	fill(a, l)
	return nil
}

func (e entry) readAt(p []byte, off int64) (int, error) { return e.layer.ReadAt(e.i, p, off) }

func (e entry) target() (string, error) { return e.layer.Link(e.i) }

func (e entry) xattrs() ([]layer.Xattr, error) {
	all, err := e.layer.Xattrs(e.i)
	if err != nil {
		return nil, err
	}
	kept := all[:0:0]
	for _, x := range all {
		if !tree.SteersOverlay(x.Name) {
			kept = append(kept, x)
		}
	}
	return kept, nil
}

func (e entry) origin() (origin, error) { return origin{e.im, e.pos}, nil }

func (e entry) sha256() (string, error) {
	typ, err := e.layer.Type(e.i)
	if err != nil || typ != layer.Regular {
		return "", err
	}
	d, err := e.layer.Digest(e.i)
	return d.Encoded(), err
}

// group is an entry whose link count is that of one tree: a hard-link group that another layer broke or extended.
type group struct {
	entry
	tree  *tree.Tree
	first int
	ident uint64
}

func (g group) id() uint64 { return g.ident }

func (g group) attr(a *fuse.Attr) error {
	l, err := g.tree.Attr(g.first)
	if err != nil {
		return err
	}
	fill(a, l)
	return nil
}
