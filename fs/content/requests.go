package content

import (
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// How long the kernel may keep what it is told, in seconds.
const (
	forever  = 10 * 365 * 24 * 60 * 60
	aliasTTL = time.Second // another image may take a prefix away
)

// Lookup implements [fuse.RawFileSystem]. That there is no such name is remembered by the kernel, except at the root,
// where images appear.
func (f *FS) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	dir, err := f.directory(h.NodeId)
	if err != nil {
		return f.log.status(nil, err)
	}
	n, err := dir.lookup(name)
	if err != nil {
		return f.log.status(dir, err)
	}
	if n == nil && h.NodeId == rootID {
		return fuse.ENOENT
	}
	if n == nil {
		f.view().miss(h.NodeId, name)
		out.EntryValid = forever
		return fuse.OK
	}
	return f.entryOut(n, out)
}

func (f *FS) entryOut(n node, out *fuse.EntryOut) fuse.Status {
	if err := n.attr(&out.Attr); err != nil {
		return f.log.status(n, err)
	}
	out.NodeId, out.Ino = n.id(), n.id()
	out.EntryValid, out.AttrValid = forever, forever
	if _, ok := n.(aliasLink); ok {
		out.SetEntryTimeout(aliasTTL)
	}
	return fuse.OK
}

// GetAttr implements [fuse.RawFileSystem].
func (f *FS) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	n, err := f.node(in.NodeId)
	if err != nil {
		return f.log.status(nil, err)
	}
	if err := n.attr(&out.Attr); err != nil {
		return f.log.status(n, err)
	}
	out.Ino = in.NodeId
	out.AttrValid = forever
	return fuse.OK
}

// Access implements [fuse.RawFileSystem]. It is asked only of a mount without default_permissions, whose user may read
// everything, as root may; and as for root, a file that nobody may execute is not executable.
func (f *FS) Access(_ <-chan struct{}, in *fuse.AccessIn) fuse.Status {
	if in.Mask&unix.X_OK == 0 {
		return fuse.OK
	}
	n, err := f.node(in.NodeId)
	if err != nil {
		return f.log.status(nil, err)
	}
	var a fuse.Attr
	if err := n.attr(&a); err != nil {
		return f.log.status(n, err)
	}
	if a.Mode&unix.S_IFMT != unix.S_IFDIR && a.Mode&0o111 == 0 {
		return fuse.EACCES
	}
	return fuse.OK
}

// Readlink implements [fuse.RawFileSystem].
func (f *FS) Readlink(_ <-chan struct{}, h *fuse.InHeader) ([]byte, fuse.Status) {
	n, err := f.node(h.NodeId)
	if err != nil {
		return nil, f.log.status(nil, err)
	}
	link, ok := n.(symlink)
	if !ok {
		return nil, fuse.EINVAL
	}
	target, err := link.target()
	if err != nil {
		return nil, f.log.status(n, err)
	}
	return []byte(target), fuse.OK
}

// Read implements [fuse.RawFileSystem]. It fills buf; where some of it cannot be read, none of it is.
func (f *FS) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n, err := f.node(in.NodeId)
	if err != nil {
		return nil, f.log.status(nil, err)
	}
	from, ok := n.(file)
	if !ok || in.Offset > 1<<63-1 {
		return nil, fuse.EINVAL
	}
	got, err := from.readAt(buf, int64(in.Offset))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, f.log.status(n, err)
	}
	return fuse.ReadResultData(buf[:got]), fuse.OK
}

// Open, OpenDir and Flush: no state is kept, and the kernel need not ask again.

// Open implements [fuse.RawFileSystem].
func (f *FS) Open(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.ENOSYS }

// OpenDir implements [fuse.RawFileSystem].
func (f *FS) OpenDir(<-chan struct{}, *fuse.OpenIn, *fuse.OpenOut) fuse.Status { return fuse.ENOSYS }

// Flush implements [fuse.RawFileSystem].
func (f *FS) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }

func (f *FS) directory(id uint64) (directory, error) {
	n, err := f.node(id)
	if err != nil {
		return nil, err
	}
	d, ok := n.(directory)
	if !ok {
		return nil, syscall.ENOTDIR
	}
	return d, nil
}
