package tree

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imagefs/imagefs/store/layer"
)

// Layer is what a tree needs of a layer; [*layer.Layer] is one. It must stay open as long as the tree.
type Layer interface {
	Len() int
	Entry(i int) (layer.Entry, error)
	Type(i int) (layer.Type, error)
	Attr(i int) (layer.Attr, error)
	Link(i int) (string, error)
	Target(i int) (entry int, ok bool, err error)
	Xattrs(i int) ([]layer.Xattr, error)
	// Release says that what was read is not needed soon.
	Release()
}

// Tree is an open table joined with its layers. Its methods may be called from many goroutines. Where the table does
// not hold what Build wrote, they return a [*layer.CorruptError].
type Tree struct {
	table  *table
	layers []Layer
}

// Origin tells where a node comes from. Two names of one file have the same Origin, and only they have.
type Origin struct {
	// Layer is the position of its layer, 0 for the base; -1 for a directory that no layer has an entry for. A
	// directory's is the topmost layer that has an entry for it.
	Layer int
	// Entry is its position in that layer; for a hard link, that of the file it is a link to.
	Entry int
	// Own says that the node's link count is not the layer's: its identity is this tree and Node. Never of a directory.
	Own bool
	// Node is the first node of an Own group, in the order of the table; its identity within this tree.
	Node int
}

// Node is one node without its attributes.
type Node struct {
	Name   string // base name; "" for the root
	Type   layer.Type
	Origin Origin
	// First and Count give a directory's children: nodes First to First+Count-1.
	First, Count int
}

// Open maps the table at path. The layers are those it was built from, in the same order.
func Open(path string, layers []Layer) (*Tree, error) {
	t, err := openTable(path)
	if err != nil {
		return nil, err
	}
	if t.layers != len(layers) {
		t.close()
		return nil, fmt.Errorf("%s was built from %d layers, not %d", path, t.layers, len(layers))
	}
	return &Tree{table: t, layers: layers}, nil
}

// Close unmaps the table; the layers stay open. No method may be running or called afterwards.
func (t *Tree) Close() error { return t.table.close() }

// Len is the number of nodes.
func (t *Tree) Len() int { return t.table.nodes }

// Node returns node i.
func (t *Tree) Node(i int) (n Node, err error) {
	defer t.table.caught(t.table.catch(), &err)
	c := cursor{table: t.table}
	r, err := c.record(i)
	if err != nil {
		return Node{}, err
	}
	name, err := c.name(r)
	if err != nil {
		return Node{}, err
	}
	return r.node(string(name)), nil
}

// Parent returns the parent of node i; the root's is the root.
func (t *Tree) Parent(i int) (int, error) {
	r, err := t.table.record(i)
	return int(r.parent), err
}

// Path returns node i's path below the root, with no leading slash; "." for the root.
func (t *Tree) Path(i int) (path string, err error) {
	defer t.table.caught(t.table.catch(), &err)
	c := cursor{table: t.table}
	var names []string
	for i != 0 {
		r, err := c.record(i)
		if err != nil {
			return "", err
		}
		name, err := c.name(r)
		if err != nil {
			return "", err
		}
		names = append(names, string(name))
		i = int(r.parent)
	}
	if len(names) == 0 {
		return ".", nil
	}
	slices.Reverse(names)
	return strings.Join(names, "/"), nil
}
