package source

import (
	"io"
	"math"
	"path"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/tree"
)

// Image is the merged files of an image's layers.
type Image struct {
	tree   *tree.Tree
	layers []*layer.Layer
}

// NewImage shows a tree; layers are those it was merged of, which stay open as long as they are used.
func NewImage(t *tree.Tree, layers []*layer.Layer) *Image { return &Image{t, layers} }

func (m *Image) node(name string) (int, error) {
	if name == "." {
		return 0, nil
	}
	node, ok, err := m.tree.Walk(name)
	if err == nil && !ok {
		err = notExist(name)
	}
	return node, err
}

func (m *Image) Lstat(name string) (*File, error) {
	i, err := m.node(name)
	if err != nil {
		return nil, err
	}
	a, err := m.tree.Attr(i)
	if err != nil {
		return nil, err
	}
	f := &File{Mode: a.Mode, UID: int(a.UID), GID: int(a.GID), Size: a.Size, ModTime: a.MTime(), Rdev: a.Rdev}
	if f.IsSymlink() {
		if f.Link, err = m.tree.Readlink(i); err != nil {
			return nil, err
		}
	}
	if a.Nlink > 1 && !f.IsDir() {
		n, err := m.tree.Node(i)
		if err != nil {
			return nil, err
		}
		f.Inode = [3]int{n.Origin.Layer, n.Origin.Entry, n.Origin.Node}
	}
	xattrs, err := m.tree.Xattrs(i)
	for _, x := range xattrs {
		if f.Xattrs == nil {
			f.Xattrs = map[string]string{}
		}
		f.Xattrs[x.Name] = string(x.Value)
	}
	return f, err
}

func (m *Image) ReadDir(name string) ([]string, error) {
	dir, err := m.node(name)
	if err != nil {
		return nil, err
	}
	var names []string
	for n, err := range m.tree.Nodes(dir, 0) {
		if err != nil {
			return nil, err
		}
		names = append(names, path.Base(n.Name))
	}
	return names, nil
}

func (m *Image) Open(name string) (io.ReadCloser, error) {
	i, err := m.node(name)
	if err != nil {
		return nil, err
	}
	n, err := m.tree.Node(i)
	if err != nil {
		return nil, err
	}
	l := m.layers[n.Origin.Layer]
	content := payload{l, n.Origin.Entry}
	return io.NopCloser(io.NewSectionReader(content, 0, math.MaxInt64)), nil
}

type payload struct {
	layer *layer.Layer
	entry int
}

func (p payload) ReadAt(b []byte, off int64) (int, error) { return p.layer.ReadAt(p.entry, b, off) }
