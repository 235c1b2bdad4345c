package content

import (
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
)

// node is anything that has a node id.
type node interface {
	id() uint64
	// attr fills in all but the inode number.
	attr(*fuse.Attr) error
	// path is where an image shows the node, below the root of the mount; for the log.
	path() string
}

// directory is a node that has children.
type directory interface {
	node
	parent() uint64
	// lookup returns nil if there is no child of that name.
	lookup(name string) (node, error)
	// list calls yield with the children that come after cookie, 0 for all of them, until it returns false.
	list(cookie uint64, yield func(child) bool) error
}

// child is one entry of a directory.
type child struct {
	name   string
	format uint32 // S_IFMT bits of its mode
	node   node
	cookie uint64 // the directory is read on after this child with it; not 0
}

// file is a node whose bytes can be read.
type file interface {
	node
	// readAt reads as [io.ReaderAt] does.
	readAt(p []byte, off int64) (int, error)
}

// symlink is a node that leads elsewhere.
type symlink interface {
	node
	target() (string, error)
}

const (
	// preferredIO is st_blksize: how much stdio, cmp and others read at once. cmp of a large file takes two thirds of the
	// time that it takes with 4096. From 128 KiB on, malloc maps each such buffer anew.
	preferredIO   = 64 << 10
	directorySize = 4096
)

// fill sets what a layer tells of a node.
func fill(a *fuse.Attr, l layer.Attr) {
	a.Mode, a.Nlink = l.Mode, l.Nlink
	a.Uid, a.Gid = l.UID, l.GID
	a.Rdev = uint32(l.Rdev) // 12 bits of major and 20 of minor number are where the kernel wants them
	setSize(a, l.Size)
	a.Mtime, a.Mtimensec = uint64(l.Sec), l.Nsec
	a.Ctime, a.Ctimensec = uint64(l.Sec), l.Nsec
	a.Atime, a.Atimensec = uint64(l.Sec), l.Nsec
}

// fill sets what all nodes have that are not an image's own. The zero time is shown as the epoch.
func (f *FS) fill(a *fuse.Attr, mode, nlink uint32, size int64, mtime time.Time) {
	l := layer.Attr{Mode: mode, UID: f.owner.Uid, GID: f.owner.Gid, Nlink: nlink, Size: size}
	if !mtime.IsZero() {
		l.Sec, l.Nsec = mtime.Unix(), uint32(mtime.Nanosecond())
	}
	fill(a, l)
}

func setSize(a *fuse.Attr, size int64) {
	a.Size = uint64(size)
	a.Blocks = (a.Size + 511) / 512
	a.Blksize = preferredIO
}

var formats = [...]uint32{
	layer.Regular:   unix.S_IFREG,
	layer.HardLink:  unix.S_IFREG,
	layer.Directory: unix.S_IFDIR,
	layer.Symlink:   unix.S_IFLNK,
	layer.Char:      unix.S_IFCHR,
	layer.Block:     unix.S_IFBLK,
	layer.Fifo:      unix.S_IFIFO,
}
