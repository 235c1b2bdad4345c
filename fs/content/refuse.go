package content

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// The mount is read-only, so the kernel refuses to write before it asks. What follows answers one that does not.

const readOnly = fuse.EROFS

// SetAttr implements [fuse.RawFileSystem].
func (f *FS) SetAttr(<-chan struct{}, *fuse.SetAttrIn, *fuse.AttrOut) fuse.Status { return readOnly }

// Mknod implements [fuse.RawFileSystem].
func (f *FS) Mknod(<-chan struct{}, *fuse.MknodIn, string, *fuse.EntryOut) fuse.Status {
	return readOnly
}

// Mkdir implements [fuse.RawFileSystem].
func (f *FS) Mkdir(<-chan struct{}, *fuse.MkdirIn, string, *fuse.EntryOut) fuse.Status {
	return readOnly
}

// Unlink implements [fuse.RawFileSystem].
func (f *FS) Unlink(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return readOnly }

// Rmdir implements [fuse.RawFileSystem].
func (f *FS) Rmdir(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return readOnly }

// Rename implements [fuse.RawFileSystem].
func (f *FS) Rename(<-chan struct{}, *fuse.RenameIn, string, string) fuse.Status { return readOnly }

// Link implements [fuse.RawFileSystem].
func (f *FS) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	return readOnly
}

// Symlink implements [fuse.RawFileSystem].
func (f *FS) Symlink(<-chan struct{}, *fuse.InHeader, string, string, *fuse.EntryOut) fuse.Status {
	return readOnly
}

// SetXAttr implements [fuse.RawFileSystem].
func (f *FS) SetXAttr(<-chan struct{}, *fuse.SetXAttrIn, string, []byte) fuse.Status {
	return readOnly
}

// RemoveXAttr implements [fuse.RawFileSystem].
func (f *FS) RemoveXAttr(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return readOnly }

// Create implements [fuse.RawFileSystem].
func (f *FS) Create(<-chan struct{}, *fuse.CreateIn, string, *fuse.CreateOut) fuse.Status {
	return readOnly
}

// Tmpfile implements [fuse.RawFileSystem].
func (f *FS) Tmpfile(<-chan struct{}, *fuse.CreateIn, *fuse.CreateOut) fuse.Status { return readOnly }

// Write implements [fuse.RawFileSystem].
func (f *FS) Write(<-chan struct{}, *fuse.WriteIn, []byte) (uint32, fuse.Status) { return 0, readOnly }

// Fallocate implements [fuse.RawFileSystem].
func (f *FS) Fallocate(<-chan struct{}, *fuse.FallocateIn) fuse.Status { return readOnly }

// Ioctl implements [fuse.RawFileSystem].
func (f *FS) Ioctl(<-chan struct{}, *fuse.IoctlIn, []byte, *fuse.IoctlOut, []byte) fuse.Status {
	return fuse.Status(syscall.ENOTTY)
}
