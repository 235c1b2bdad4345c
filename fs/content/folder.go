package content

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// folder is a directory of a few fixed children.
type folder struct {
	fs       *FS
	ident    uint64
	above    uint64
	where    string
	mtime    time.Time
	children func() []child // in the order of their names, cookies not set
}

func (d folder) id() uint64     { return d.ident }
func (d folder) parent() uint64 { return d.above }
func (d folder) path() string   { return d.where }

func (d folder) attr(a *fuse.Attr) error {
	links := uint32(2)
	for _, c := range d.children() {
		if c.format == unix.S_IFDIR {
			links++
		}
	}
	d.fs.fill(a, unix.S_IFDIR|0o555, links, directorySize, d.mtime)
	return nil
}

func (d folder) lookup(name string) (node, error) {
	for _, c := range d.children() {
		if c.name == name {
			return c.node, nil
		}
	}
	return nil, nil
}

func (d folder) list(cookie uint64, yield func(child) bool) error {
	children := d.children()
	for i := cookie; i < uint64(len(children)); i++ {
		c := children[i]
		c.cookie = i + 1
		if !yield(c) {
			return nil
		}
	}
	return nil
}

// find searches d, and the folders of the same number below it, for a node. ESTALE if there is none.
func (d folder) find(id uint64) (node, error) {
	if d.ident == id {
		return d, nil
	}
	for _, c := range d.children() {
		if c.node.id() == id {
			return c.node, nil
		}
		if sub, ok := c.node.(folder); ok && sub.ident>>32 == d.ident>>32 {
			if n, err := sub.find(id); err == nil {
				return n, nil
			}
		}
	}
	return nil, syscall.ESTALE
}
