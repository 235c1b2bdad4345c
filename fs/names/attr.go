package names

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/fs/control"
	"github.com/imagefs/imagefs/fs/errno"
)

// keep is how long the kernel keeps the names and attributes of directories and listed links, so that not each path
// that leads through a tag to an image costs a dozen requests. It is told when a link changes. Listings, and that a name
// does not exist, it does not keep.
const keep = time.Second

// status is the errno of an error. An errno by itself means itself.
func status(err error) fuse.Status {
	if e, ok := err.(syscall.Errno); ok {
		return fuse.Status(e)
	}
	return fuse.Status(errno.Of(err))
}

// attr fills in what lstat(2) tells of a path. A directory's nlink is 1, which promises nothing of its subdirectories.
func (f *FS) attr(path string, i fs.FileInfo, out *fuse.Attr) {
	t := i.ModTime()
	out.SetTimes(&t, &t, &t)
	out.Ino, out.Mode, out.Nlink, out.Size = hashID(path), uint32(i.Mode().Perm()), 1, uint64(i.Size())
	out.Uid, out.Gid, out.Blksize = f.uid, f.gid, 4096
	out.Blocks = (out.Size + 511) / 512
	out.Mode |= fileType(i.Mode())
}

// fileType is the S_IFMT bits.
func fileType(m fs.FileMode) uint32 {
	switch m.Type() {
	case fs.ModeDir:
		return syscall.S_IFDIR
	case fs.ModeSymlink:
		return syscall.S_IFLNK
	}
	return syscall.S_IFREG
}

func timeout(i fs.FileInfo) time.Duration {
	if n, ok := i.(*node); i.IsDir() || ok && n.isKept() {
		return keep
	}
	return 0
}

// path is that of a request's node. EACCES for what is its owner's alone.
func (f *FS) path(h *fuse.InHeader) (string, error) {
	path, err := f.ids.path(h.NodeId)
	if err != nil {
		return "", err
	}
	return path, f.allow(h, path)
}

// allow refuses control files to all but their owner and root, whatever the mount allows.
func (f *FS) allow(h *fuse.InHeader, path string) error {
	if path == "ctl" || !f.files.Owns(path) || h.Uid == f.uid || h.Uid == 0 {
		return nil
	}
	if i, err := f.files.Lstat(path); err == nil && i.Mode()&0o004 != 0 {
		return nil
	}
	return syscall.EACCES
}

func (f *FS) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) (code fuse.Status) {
	path, err := f.path(&in.InHeader)
	defer f.seen(opGetAttr, &in.InHeader, path, time.Now(), &code)
	code = status(err)
	if err == nil {
		code = f.getAttr(in.NodeId, path, out)
	}
	if s, ok := f.handles.at(in.NodeId); ok && code == fuse.Status(syscall.ESTALE) {
		return f.describe(s, in.NodeId, out)
	}
	return code
}

// describe tells what an open file is whose name is gone.
func (f *FS) describe(s control.Statter, id uint64, out *fuse.AttrOut) fuse.Status {
	i, err := s.Stat()
	if err == nil {
		f.attr("", i, &out.Attr)
		out.Ino = id
	}
	return status(err)
}

func (f *FS) getAttr(id uint64, path string, out *fuse.AttrOut) fuse.Status {
	i, err := f.current(id, path)
	if err != nil {
		return status(err)
	}
	f.attr(path, i, &out.Attr)
	out.SetTimeout(timeout(i))
	return fuse.OK
}

// current describes the path of a node id. ESTALE if the id is of what was there before, so that the kernel looks the
// name up anew.
func (f *FS) current(id uint64, path string) (fs.FileInfo, error) {
	i, err := f.lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, syscall.ESTALE
	}
	if n, ok := i.(*node); ok && n.isKept() && id != linkID(path, n.target) {
		return nil, syscall.ESTALE
	}
	return i, err
}

// SetAttr lets a file that can be written to be truncated and touched, and an archive that is being copied into imports
// given a mode, which changes nothing; and nothing else.
func (f *FS) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) (code fuse.Status) {
	path, err := f.path(&in.InHeader)
	defer f.seen(opSetAttr, &in.InHeader, path, time.Now(), &code)
	if err != nil {
		return status(err)
	}
	const forbidden = fuse.FATTR_MODE | fuse.FATTR_UID | fuse.FATTR_GID
	file, ok := f.files.File(path)
	switch {
	case !ok:
		return fuse.EPERM
	case f.files.IsImport(path):
	case in.Valid&forbidden != 0 || file.Mode()&0o200 == 0:
		return fuse.EPERM
	}
	return f.getAttr(in.NodeId, path, out)
}

func (f *FS) Readlink(_ <-chan struct{}, h *fuse.InHeader) (target []byte, code fuse.Status) {
	path, err := f.path(h)
	defer f.seen(opReadlink, h, path, time.Now(), &code)
	if err != nil {
		return nil, status(err)
	}
	if _, err := f.current(h.NodeId, path); err != nil {
		return nil, status(err)
	}
	link, err := f.readLink(path)
	if err != nil {
		return nil, status(err)
	}
	return []byte(link), fuse.OK
}

// Access answers by the permission bits. The owner, and root, write; others do not.
func (f *FS) Access(_ <-chan struct{}, in *fuse.AccessIn) (code fuse.Status) {
	path, err := f.path(&in.InHeader)
	defer f.seen(opAccess, &in.InHeader, path, time.Now(), &code)
	if err != nil {
		return status(err)
	}
	i, err := f.lstat(path)
	switch {
	case err != nil:
		return status(err)
	case in.Mask&fuse.W_OK != 0 && (i.Mode()&0o200 == 0 || in.Uid != f.uid && in.Uid != 0),
		in.Mask&fuse.X_OK != 0 && i.Mode()&0o100 == 0:
		return fuse.EACCES
	}
	return fuse.OK
}

// StatFs tells of the disk that the store is on.
func (f *FS) StatFs(_ <-chan struct{}, h *fuse.InHeader, out *fuse.StatfsOut) (code fuse.Status) {
	defer f.seen(opStatFs, h, ".", time.Now(), &code)
	var st syscall.Statfs_t
	if err := syscall.Statfs(f.store.Dir(), &st); err != nil {
		return status(err)
	}
	out.FromStatfsT(&st)
	return fuse.OK
}
