package content

import (
	"path"
	"sync/atomic"
	"syscall"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/tree"
)

// whole, for the position of a layer, means all layers merged.
const whole = -1

// subtree is rootfs/ or a layer's diff/ of an image.
type subtree struct {
	im     *image
	pos    int // of the layer, or whole
	opened atomic.Pointer[tree.Tree]
}

func (s *subtree) open() (*tree.Tree, error) {
	if t := s.opened.Load(); t != nil {
		return t, nil
	}
	var t *tree.Tree
	var err error
	if s.pos == whole {
		t, err = s.im.fs.store.Tree(s.im.Image)
	} else {
		t, err = s.im.fs.store.DiffTree(s.im.Image, s.pos)
	}
	if err != nil {
		return nil, err
	}
	s.opened.Store(t)
	return t, nil
}

// directoryID is the node id of directory i.
func (s *subtree) directoryID(i int) uint64 {
	return nodeID(s.im.Number+uint32(s.pos-whole), treeBit|uint32(i))
}

// above is the node id of the directory the root is in.
func (s *subtree) above() uint64 { return nodeID(s.im.Number+uint32(s.pos-whole), 0) }

// where is the path below the mount of a path below the root.
func (s *subtree) where(below string) string {
	if s.pos == whole {
		return s.im.where(path.Join("rootfs", below))
	}
	return s.im.where(path.Join(s.im.layerName(s.pos), "diff", below))
}

// directory finds the directory with local id treeBit+i.
func (s *subtree) directory(i uint32) (node, error) {
	_, n, err := s.at(i)
	if err != nil {
		return nil, err
	}
	if n.Type != layer.Directory {
		return nil, syscall.ESTALE
	}
	return treeDir{s, int(i)}, nil
}

// group finds the hard-link group whose first node is i.
func (s *subtree) group(i uint32) (node, error) {
	t, n, err := s.at(i)
	if err != nil {
		return nil, err
	}
	if !n.Origin.Own || n.Origin.Node != int(i) {
		return nil, syscall.ESTALE
	}
	return s.nodeOf(t, int(i), n)
}

// at finds node i of the tree, or ESTALE.
func (s *subtree) at(i uint32) (*tree.Tree, tree.Node, error) {
	t, err := s.open()
	if err != nil {
		return nil, tree.Node{}, err
	}
	if int64(i) >= int64(t.Len()) {
		return nil, tree.Node{}, syscall.ESTALE
	}
	n, err := t.Node(int(i))
	return t, n, err
}

// nodeOf makes the node that n, at position i of t, is shown as.
func (s *subtree) nodeOf(t *tree.Tree, i int, n tree.Node) (node, error) {
	if n.Type == layer.Directory {
		return treeDir{s, i}, nil
	}
	k := n.Origin.Layer
	l, err := s.im.layer(k)
	if err != nil {
		return nil, err
	}
	e := entry{im: s.im, pos: k, layer: l, i: n.Origin.Entry}
	if !n.Origin.Own {
		return e, nil
	}
	return group{entry: e, tree: t, first: n.Origin.Node, ident: s.groupID(n.Origin.Node)}, nil
}

func (s *subtree) groupID(first int) uint64 {
	if s.pos == whole {
		top := s.im.Chains[len(s.im.Chains)-1]
		return nodeID(top.Number, treeBit|uint32(first))
	}
	return nodeID(s.im.Chains[s.pos].Number, treeBit|diffBit|uint32(first))
}
