package content

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Offsets in a directory: 1 is after ".", 2 after "..", and a child's cookie plus 2 after the child. They mean the same
// in every process, so a directory can be read on from any of them.
const dots = 2

// ReadDir implements [fuse.RawFileSystem].
func (f *FS) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.list(in, func(e fuse.DirEntry, _ node) bool { return out.AddDirEntry(e) })
}

// ReadDirPlus implements [fuse.RawFileSystem]. A child whose attributes cannot be read is listed without them, and the
// kernel will look it up, and get the error, when they are asked for.
func (f *FS) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.list(in, func(e fuse.DirEntry, n node) bool {
		entry := out.AddDirLookupEntry(e)
		if entry == nil {
			return false
		}
		if n != nil && f.entryOut(n, entry) != fuse.OK {
			*entry = fuse.EntryOut{}
		}
		return true
	})
}

// list calls add with the entries from the request's offset on until it returns false; n is nil for "." and "..".
func (f *FS) list(in *fuse.ReadIn, add func(e fuse.DirEntry, n node) bool) fuse.Status {
	dir, err := f.directory(in.NodeId)
	if err != nil {
		return f.log.status(nil, err)
	}
	if in.Offset < 1 && !add(fuse.DirEntry{Name: ".", Mode: unix.S_IFDIR, Ino: dir.id(), Off: 1}, nil) {
		return fuse.OK
	}
	if in.Offset < dots && !add(fuse.DirEntry{Name: "..", Mode: unix.S_IFDIR, Ino: dir.parent(), Off: dots}, nil) {
		return fuse.OK
	}
	first := true
	err = dir.list(max(in.Offset, dots)-dots, func(c child) bool {
		first = false
		return add(fuse.DirEntry{Name: c.name, Mode: c.format, Ino: c.node.id(), Off: c.cookie + dots}, c.node)
	})
	if err != nil && first {
		return f.log.status(dir, err)
	}
	return fuse.OK // what there is; the next request meets the error
}
