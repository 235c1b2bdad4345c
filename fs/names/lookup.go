package names

import (
	"cmp"
	"io/fs"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func (f *FS) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) (code fuse.Status) {
	dir, err := f.path(h)
	path := join(dir, name)
	defer f.seen(opLookup, h, path, time.Now(), &code)
	if err != nil {
		return status(err)
	}
	if err := f.allow(h, path); err != nil {
		return status(err)
	}
	i, err := f.lstat(path)
	if err != nil {
		return status(err)
	}
	return status(f.entry(path, i, out))
}

// entry is the answer to LOOKUP.
func (f *FS) entry(path string, i fs.FileInfo, out *fuse.EntryOut) error {
	id, err := f.ids.add(path)
	if err != nil {
		return err
	}
	switch n, ok := i.(*node); {
	case ok && n.isKept():
		id = linkID(path, n.target)
	case i.Mode()&fs.ModeSymlink != 0, i.Mode().IsRegular() && i.Mode()&0o200 != 0:
		id = f.ids.next(id)
	}
	out.NodeId = id
	f.attr(path, i, &out.Attr)
	out.SetEntryTimeout(timeout(i))
	out.SetAttrTimeout(timeout(i))
	return nil
}

func (f *FS) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) (code fuse.Status) {
	path, err := f.path(&in.InHeader)
	defer f.seen(opOpenDir, &in.InHeader, path, time.Now(), &code)
	if err != nil {
		return status(err)
	}
	if path == "ctl" && in.Uid != f.uid && in.Uid != 0 {
		return fuse.EACCES
	}
	i, err := f.lstat(path)
	if err == nil && !i.IsDir() {
		err = syscall.ENOTDIR
	}
	return status(err)
}

// child is an entry of a directory with its place in the listing.
type child struct {
	fs.DirEntry
	path   string
	offset uint64
}

// children returns a directory's entries after an offset. An entry's offset comes from its id, so it is the same whatever
// else comes and goes, in this server and the next.
func (f *FS) children(dir string, after uint64) ([]child, error) {
	list, err := f.readDir(dir)
	if err != nil {
		return nil, err
	}
	children := make([]child, 0, len(list))
	for _, e := range list {
		path := join(dir, e.Name())
		if offset := hashID(path)>>serialBits + dotEntries; offset > after {
			children = append(children, child{e, path, offset})
		}
	}
	slices.SortFunc(children, func(a, b child) int { return cmp.Compare(a.offset, b.offset) })
	return children, nil
}

// dotEntries are "." and "..", at the offsets 1 and 2.
const dotEntries = 2

// list calls add for the entries of a directory from in.Offset on, until it says no.
func (f *FS) list(in *fuse.ReadIn, op op, add func(e fuse.DirEntry, c *child) (bool, error)) (code fuse.Status) {
	dir, err := f.path(&in.InHeader)
	defer f.seen(op, &in.InHeader, dir, time.Now(), &code)
	if err != nil {
		return status(err)
	}
	children, err := f.children(dir, in.Offset)
	if err != nil {
		return status(err)
	}
	for i, name := range []string{".", ".."} {
		at := uint64(i + 1)
		if in.Offset >= at {
			continue
		}
		ok, err := add(fuse.DirEntry{Name: name, Mode: syscall.S_IFDIR, Off: at}, nil)
		if err != nil || !ok {
			return status(err)
		}
	}
	for i := range children {
		c := &children[i]
		e := fuse.DirEntry{Name: c.Name(), Mode: fileType(c.Type()), Ino: hashID(c.path), Off: c.offset}
		ok, err := add(e, c)
		if err != nil || !ok {
			return status(err)
		}
	}
	return fuse.OK
}

func (f *FS) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.list(in, opReadDir, func(e fuse.DirEntry, _ *child) (bool, error) { return out.AddDirEntry(e), nil })
}

func (f *FS) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.list(in, opReadDirPlus, func(e fuse.DirEntry, c *child) (bool, error) {
		entry := out.AddDirLookupEntry(e)
		if entry == nil || c == nil {
			return entry != nil, nil // the kernel looks up neither "." nor ".."
		}
		i, err := c.Info()
		if err == nil {
			err = f.entry(c.path, i, entry)
		}
		return true, err
	})
}
