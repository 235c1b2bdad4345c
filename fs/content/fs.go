package content

import (
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/store"
)

// FS is the content tree of a store, as a [fuse.RawFileSystem].
type FS struct {
	fuse.RawFileSystem // answers ENOSYS to what is not written here
	store              *store.Store
	owner              fuse.Owner // of all that is not an image's own
	log                complaints
	texts              texts
	readers            readers
	current            atomic.Pointer[view]
	renewing           sync.Mutex // held to replace current
}

// New serves the content tree of s, which stays its owner's. log is called with each cause of an I/O error, once.
func New(s *store.Store, log func(format string, args ...any)) *FS {
	return &FS{
		RawFileSystem: fuse.NewDefaultRawFileSystem(),
		store:         s,
		owner:         fuse.Owner{Uid: uint32(syscall.Geteuid()), Gid: uint32(syscall.Getegid())},
		log:           complaints{printf: log},
		readers:       readers{open: s.OpenBlob},
	}
}

func (f *FS) String() string { return "imagefs content" }

// OnUnmount implements [fuse.RawFileSystem].
func (f *FS) OnUnmount() { f.readers.close() }

// node finds the node that id means. ESTALE if it means none.
func (f *FS) node(id uint64) (node, error) {
	v := f.view()
	if id == rootID {
		return root{f, v}, nil
	}
	number, local := splitID(id)
	owner, ok := v.owners[number]
	if !ok {
		return nil, syscall.ESTALE
	}
	return owner.node(local)
}

// view returns what is served of the store as it is now.
func (f *FS) view() *view {
	if v := f.current.Load(); v != nil && v.snap == f.store.Snapshot() {
		return v
	}
	f.renewing.Lock()
	defer f.renewing.Unlock()
	v := newView(f, f.store.Snapshot(), f.current.Load())
	f.current.Store(v)
	return v
}
