package content

import (
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
)

// FS is the content tree of a store, as a [fuse.RawFileSystem].
type FS struct {
	fuse.RawFileSystem // answers ENOSYS to what is not written here
	store              *store.Store
	owner              fuse.Owner // of all that is not an image's own
	log                complaints
	texts              texts
	readers            kept[digest.Digest, store.BlobReader]
	archives           kept[archiveKey, *archive.Archive]
	stirred            chan struct{} // LetGo has something to do
	current            atomic.Pointer[view]

	pins     Pins
	renewing sync.Mutex      // held to replace current; guards pinned
	pinned   []digest.Digest // sorted
}

// New serves the content tree of s, which stays its owner's. What is shown is pinned; nothing is if pins is nil, and
// then an image that is removed may be lost to those who read it. log is called with each cause of an I/O error, once.
func New(s *store.Store, pins Pins, log func(format string, args ...any)) *FS {
	f := &FS{
		RawFileSystem: fuse.NewDefaultRawFileSystem(),
		store:         s,
		owner:         fuse.Owner{Uid: uint32(syscall.Geteuid()), Gid: uint32(syscall.Getegid())},
		log:           complaints{printf: log},
		stirred:       make(chan struct{}, 1),
		pins:          pins,
	}
	f.readers.open, f.archives.open = s.OpenBlob, f.makeArchive
	return f
}

func (f *FS) String() string { return "imagefs content" }

// OnUnmount implements [fuse.RawFileSystem].
func (f *FS) OnUnmount() { f.close(func(*image) bool { return true }) }

// close gives up what is kept open: of archives only those of the images that are meant.
func (f *FS) close(meant func(*image) bool) {
	f.readers.close(func(digest.Digest) bool { return true })
	f.archives.close(func(k archiveKey) bool { return meant(k.image) })
}

// node finds the node that id means. ESTALE if it means none.
func (f *FS) node(id uint64) (node, error) {
	if id == rootID {
		return root{f, f.renewed()}, nil
	}
	number, local := splitID(id)
	owner, ok := f.view().owners[number]
	if !ok {
		return nil, syscall.ESTALE
	}
	return owner.node(local)
}
