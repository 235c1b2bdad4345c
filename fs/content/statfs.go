package content

import (
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// StatFs implements [fuse.RawFileSystem]. In use is what the images' layers hold, each layer once; free is what is free
// where the store is.
func (f *FS) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	var disk unix.Statfs_t
	if err := unix.Statfs(f.store.Dir(), &disk); err != nil {
		return f.log.status(root{f, f.view()}, err)
	}
	used, err := f.view().usage()
	if err != nil {
		return f.log.status(root{f, f.view()}, err)
	}
	const blockSize = 4096
	perBlock := uint64(max(disk.Frsize, 512))
	out.Bsize, out.Frsize = blockSize, blockSize
	out.NameLen = 255
	out.Bfree = disk.Bfree * perBlock / blockSize
	out.Bavail = disk.Bavail * perBlock / blockSize
	out.Blocks = max(used.bytes/blockSize+out.Bfree, 1)
	out.Ffree = disk.Ffree
	out.Files = used.files + out.Ffree + 1 // the root
	return fuse.OK
}

// usage is what the images of a view hold.
type usage struct {
	once         sync.Once
	err          error
	bytes, files uint64
}

func (v *view) usage() (*usage, error) {
	u := &v.used
	u.once.Do(func() { u.err = u.count(v) })
	return u, u.err
}

func (u *usage) count(v *view) error {
	for _, o := range v.owners {
		c, ok := o.(chain)
		if !ok {
			continue
		}
		l, err := c.im.layer(c.pos)
		if err != nil {
			return err
		}
		u.bytes += uint64(l.Size())
		u.files += uint64(l.Len())
	}
	return nil
}
