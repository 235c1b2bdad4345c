package content

import (
	"cmp"
	"slices"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store"
)

// root is the directory of all images. Its mtime is that of the newest image or reference.
type root struct {
	fs *FS
	*view
}

func (r root) id() uint64     { return rootID }
func (r root) parent() uint64 { return rootID }
func (r root) path() string   { return "." }

func (r root) attr(a *fuse.Attr) error {
	var newest time.Time
	for _, im := range r.snap.Images {
		newest = later(newest, im.Created)
	}
	for i := range r.snap.References {
		newest = later(newest, r.snap.References[i].Updated)
	}
	r.fs.fill(a, unix.S_IFDIR|0o555, uint32(2+len(r.snap.Images)), directorySize, newest)
	return nil
}

func (r root) lookup(name string) (node, error) {
	if im := r.byID(name); im != nil {
		return im.dir(), nil
	}
	if stored := alias(r.snap, name); stored != nil {
		return aliasLink{r.images[stored.Number]}, nil
	}
	return nil, nil
}

func (r root) byID(name string) *image {
	if len(name) != digest.SHA256.Size()*2 {
		return nil
	}
	stored := r.snap.Image(digest.NewDigestFromEncoded(digest.SHA256, name))
	if stored == nil {
		return r.fs.inUse(digest.NewDigestFromEncoded(digest.SHA256, name))
	}
	return r.images[stored.Number]
}

// list gives the images in the order of their numbers, which are their cookies: an image that comes or goes while the
// directory is read moves no other.
func (r root) list(cookie uint64, yield func(child) bool) error {
	first, _ := slices.BinarySearchFunc(r.snap.Images, cookie+1, func(im *store.Image, number uint64) int {
		return cmp.Compare(uint64(im.Number), number)
	})
	for _, stored := range r.snap.Images[first:] {
		dir := r.images[stored.Number].dir()
		c := child{name: stored.ID.Encoded(), format: unix.S_IFDIR, node: dir, cookie: uint64(stored.Number)}
		if !yield(c) {
			return nil
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
