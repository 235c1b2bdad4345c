package names

import "github.com/hanwen/go-fuse/v2/fuse"

// What changes the tree itself is not permitted: it shows the store.

func (f *FS) Mknod(<-chan struct{}, *fuse.MknodIn, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

func (f *FS) Mkdir(<-chan struct{}, *fuse.MkdirIn, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

func (f *FS) Unlink(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return fuse.EPERM }

func (f *FS) Rmdir(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return fuse.EPERM }

func (f *FS) Rename(<-chan struct{}, *fuse.RenameIn, string, string) fuse.Status { return fuse.EPERM }

func (f *FS) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

func (f *FS) Symlink(<-chan struct{}, *fuse.InHeader, string, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

// Create is how a shell opens a file to write to that does not exist: a verb that there is none of.
func (f *FS) Create(_ <-chan struct{}, in *fuse.CreateIn, _ string, _ *fuse.CreateOut) fuse.Status {
	path, err := f.path(&in.InHeader)
	if err != nil {
		return status(err)
	}
	if f.files.Owns(path) {
		return fuse.ENOENT
	}
	return fuse.EPERM
}
