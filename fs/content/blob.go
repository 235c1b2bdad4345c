package content

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// blob is a file that shows a blob of the store as it is.
type blob struct {
	im     *image
	ident  uint64
	where  string // below the image
	digest digest.Digest
}

func (b blob) id() uint64   { return b.ident }
func (b blob) path() string { return b.im.where(b.where) }

func (b blob) attr(a *fuse.Attr) error {
	r, err := b.im.fs.readers.get(b.digest)
	if err != nil {
		return err
	}
	defer b.im.fs.readers.put(r)
	b.im.fs.fill(a, unix.S_IFREG|0o444, 1, r.value.Size(), b.im.Created)
	return nil
}

func (b blob) readAt(p []byte, off int64) (int, error) {
	r, err := b.im.fs.readers.get(b.digest)
	if err != nil {
		return 0, err
	}
	defer b.im.fs.readers.put(r)
	return r.value.ReadAt(p, off)
}
