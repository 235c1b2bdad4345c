package names

import (
	"io/fs"
	"slices"
	"strings"
	"time"
)

// node is a directory, a symlink or a generated file of a [View]. It is its own fs.FileInfo and fs.DirEntry, and does
// not change once the view is built.
type node struct {
	name    string
	mode    fs.FileMode
	time    time.Time
	target  string           // of a symlink
	kind    kind             // of a symlink
	source  string           // of a symlink: the image as Engine.Tag takes it; a tag's is its own name
	repo    string           // of a directory in which repositories are, or which is one: HOST/PATH as docker has it
	content func() []byte    // of a file
	child   map[string]*node // of a directory
	sorted  []fs.DirEntry    // the same, by name
}

// kind is what a symlink is.
type kind uint8

const (
	otherLink     kind = iota
	tagLink            // a reference
	platformLink       // beside a tag: an image of another platform
	danglingLink       // an image without a tag
	temporaryLink      // in Made.Links
	aliasLink          // not listed: see alias.go
	goneLink           // not listed: in Made.Gone
)

func (n *node) Name() string               { return n.name }
func (n *node) Mode() fs.FileMode          { return n.mode }
func (n *node) Type() fs.FileMode          { return n.mode.Type() }
func (n *node) ModTime() time.Time         { return n.time }
func (n *node) IsDir() bool                { return n.mode.IsDir() }
func (n *node) Sys() any                   { return nil }
func (n *node) Info() (fs.FileInfo, error) { return n, nil }
func (n *node) String() string             { return fs.FormatFileInfo(n) }

// Size is exact, for a file too.
func (n *node) Size() int64 {
	switch {
	case n.content != nil:
		return int64(len(n.content()))
	default:
		return int64(len(n.target))
	}
}

// isListed is false for what resolves and is not listed.
func (n *node) isListed() bool { return n.kind != aliasLink && n.kind != goneLink }

// isKept tells whether the kernel keeps it: a listed symlink that is not about to be renamed.
func (n *node) isKept() bool { return n.isLink() && n.isListed() && n.kind != temporaryLink }

func (n *node) isLink() bool { return n.mode.Type() == fs.ModeSymlink }

// add puts c into the directory n, as ":NAME" where NAME is taken.
func (n *node) add(c *node) {
	for n.child[c.name] != nil {
		c.name = ":" + c.name
	}
	n.child[c.name] = c
}

// finish sorts the directory and all below it, and gives each directory the time of the newest entry below it.
func (n *node) finish() {
	for _, c := range n.child {
		if c.IsDir() {
			c.finish()
		}
		if c.time.After(n.time) {
			n.time = c.time
		}
		n.sorted = append(n.sorted, c)
	}
	slices.SortFunc(n.sorted, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
}

func newDir(name string, t time.Time) *node {
	return &node{name: name, mode: fs.ModeDir | 0o755, time: t, child: make(map[string]*node)}
}

func newLink(name, target string, t time.Time, k kind, source string) *node {
	return &node{name: name, mode: fs.ModeSymlink | 0o777, time: t, target: target, kind: k, source: source}
}

func newFile(name string, t time.Time, content func() []byte) *node {
	return &node{name: name, mode: 0o444, time: t, content: content}
}
