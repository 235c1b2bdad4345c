package content

import (
	"syscall"

	"github.com/imagefs/imagefs/store/layer"
)

// chain is the stack of layers of an image up to one of them.
type chain struct {
	im    *image // the first that has the chain
	pos   int
	whole *image // the first that ends with it; nil if none does
}

// node implements owner.
func (c chain) node(local uint32) (node, error) {
	switch {
	case local&treeBit == 0:
		return c.entry(local)
	case local&diffBit != 0:
		return c.im.diffs[c.pos].group(local & maxGroup)
	case c.whole != nil:
		return c.whole.rootfs.group(local & maxGroup)
	}
	return nil, syscall.ESTALE
}

func (c chain) entry(i uint32) (node, error) {
	l, err := c.im.layer(c.pos)
	if err != nil {
		return nil, err
	}
	if int64(i) >= int64(l.Len()) {
		return nil, syscall.ESTALE
	}
	typ, err := l.Type(int(i))
	if err != nil {
		return nil, err
	}
	switch typ {
	case layer.Directory, layer.HardLink, layer.Whiteout, layer.Opaque:
		return nil, syscall.ESTALE
	}
	return entry{im: c.im, pos: c.pos, layer: l, i: int(i)}, nil
}
