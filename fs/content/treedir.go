package content

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/store/layer"
)

// treeDir is directory i of a subtree.
type treeDir struct {
	*subtree
	i int
}

func (d treeDir) id() uint64 { return d.directoryID(d.i) }

func (d treeDir) parent() uint64 {
	if d.i == 0 {
		return d.above()
	}
	t, err := d.open()
	if err != nil {
		return d.above()
	}
	up, err := t.Parent(d.i)
	if err != nil {
		return d.above()
	}
	return d.directoryID(up)
}

func (d treeDir) path() string {
	t, err := d.open()
	if err != nil {
		return d.where("")
	}
	p, err := t.Path(d.i)
	if err != nil {
		return d.where("")
	}
	return d.where(p)
}

func (d treeDir) attr(a *fuse.Attr) error {
	t, err := d.open()
	if err != nil {
		return err
	}
	l, err := t.Attr(d.i)
	if err != nil {
		return err
	}
	fill(a, l)
	return nil
}

func (d treeDir) lookup(name string) (node, error) {
	t, err := d.open()
	if err != nil {
		return nil, err
	}
	i, ok, err := t.Lookup(d.i, name)
	if err != nil || !ok {
		return nil, err
	}
	n, err := t.Node(i)
	if err != nil {
		return nil, err
	}
	return d.nodeOf(t, i, n)
}

func (d treeDir) list(cookie uint64, yield func(child) bool) error {
	t, err := d.open()
	if err != nil {
		return err
	}
	self, err := t.Node(d.i)
	if err != nil {
		return err
	}
	skip := int(min(cookie, uint64(self.Count)))
	for n, err := range t.Nodes(d.i, skip) {
		if err != nil {
			return err
		}
		shown, err := d.nodeOf(t, self.First+skip, n)
		if err != nil {
			return err
		}
		skip++
		if !yield(child{name: n.Name, format: formats[n.Type], node: shown, cookie: uint64(skip)}) {
			return nil
		}
	}
	return nil
}

func (d treeDir) xattrs() ([]layer.Xattr, error) {
	t, err := d.open()
	if err != nil {
		return nil, err
	}
	return t.Xattrs(d.i)
}

func (d treeDir) origin() (origin, error) {
	t, err := d.open()
	if err != nil {
		return origin{}, err
	}
	n, err := t.Node(d.i)
	return origin{d.im, n.Origin.Layer}, err
}
