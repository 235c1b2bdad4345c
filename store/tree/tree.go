package tree

import (
	"iter"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
)

// Layer is what a tree needs of a layer; [*layer.Layer] is one.
type Layer interface {
	Len() int
	Entry(i int) (layer.Entry, error)
	Type(i int) (layer.Type, error)
	Attr(i int) (layer.Attr, error)
	Link(i int) (string, error)
	Xattrs(i int) ([]layer.Xattr, error)
	Digest(i int) (digest.Digest, error)
	ReadAt(i int, p []byte, off int64) (int, error)
}

// Build merges layers, base first, and writes the table to the file path, which must not exist; it is synced when Build
// returns.
func Build(path string, layers []Layer) error { panic("unwritten") }

// BuildDiff writes the table of what the last of layers brings by itself: its own entries, without whiteouts. The
// layers below serve only to resolve hard links to their files.
func BuildDiff(path string, layers []Layer) error { panic("unwritten") }

// Tree is an open table joined with its layers. Its methods may be called from many goroutines.
type Tree struct{}

// Open maps the table at path. The layers are those it was built from, in the same order.
func Open(path string, layers []Layer) (*Tree, error) { panic("unwritten") }

// Close unmaps the table; the layers stay open.
func (t *Tree) Close() error { panic("unwritten") }

// Len is the number of nodes.
func (t *Tree) Len() int { panic("unwritten") }

// Origin tells where a node comes from.
type Origin struct {
	// Layer is the position of its layer, 0 for the base; -1 for a directory that no layer has an entry for.
	Layer int
	// Entry is its position in that layer; for a hard link, that of the file it is a link to.
	Entry int
	// Own says that the node's link count is not the layer's: its identity is this tree and Node.
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

// Node returns node i.
func (t *Tree) Node(i int) (Node, error) { panic("unwritten") }

// Parent returns the parent of node i; the root's is the root.
func (t *Tree) Parent(i int) (int, error) { panic("unwritten") }

// Lookup finds the child of directory dir with that name; ok is false if there is none, or dir is no directory.
func (t *Tree) Lookup(dir int, name string) (i int, ok bool, err error) { panic("unwritten") }

// Children returns the nodes of directory dir, sorted by name, from its skip-th on. It stops at the first error.
func (t *Tree) Children(dir, skip int) iter.Seq2[int, error] { panic("unwritten") }

// Attr returns node i's attributes. A directory's Nlink is 2 and its directories; its size is 4096.
func (t *Tree) Attr(i int) (layer.Attr, error) { panic("unwritten") }

// Readlink returns symlink i's target.
func (t *Tree) Readlink(i int) (string, error) { panic("unwritten") }

// Xattrs returns node i's extended attributes, sorted by name, without those that would steer an overlay filesystem
// (trusted.overlay.*, user.overlay.*).
func (t *Tree) Xattrs(i int) ([]layer.Xattr, error) { panic("unwritten") }

// Path returns node i's path below the root, with no leading slash; "." for the root.
func (t *Tree) Path(i int) (string, error) { panic("unwritten") }

// Walk resolves a slash-separated path from the root, following no symlinks.
func (t *Tree) Walk(path string) (i int, ok bool, err error) { panic("unwritten") }
