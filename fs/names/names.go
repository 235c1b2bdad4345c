package names

import (
	"context"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/fs/control"
	"github.com/imagefs/imagefs/store"
)

// Config says where a names tree is.
type Config struct {
	Mountpoint string // absolute
	Content    string // where the content tree is mounted, absolute
	// State is a directory for what a successor must know of this connection.
	State string
	// Connection is a name for the connection: a successor on it has the same, a new mount never. What State holds of
	// another connection is forgotten.
	Connection string
	Log        func(format string, args ...any)
}

// Engine does the work; [*imagefs.Engine] is one.
type Engine interface {
	control.Engine
	Store() *store.Store
}

// New makes the tree of a connection, or takes over that of a predecessor: jobs that it had left running in the
// background are started again. Jobs end with ctx, and their end is not written down then.
func New(ctx context.Context, e Engine, c Config) (*FS, error) { panic("unwritten") }

// MountOptions are those that the tree needs.
func MountOptions() *fuse.MountOptions {
	return &fuse.MountOptions{MaxWrite: 128 << 10, DisableXAttrs: true}
}

// FS answers the kernel. Its methods may be called from many goroutines.
type FS struct{ fuse.RawFileSystem }

// Changed shows another snapshot of the store.
func (f *FS) Changed(old, new *store.Snapshot) { panic("unwritten") }

// Poll answers FUSE_POLL: see conn.Options.
func (f *FS) Poll(node, fh uint64, events uint32, wake func()) (ready uint32, errno fuse.Status) {
	panic("unwritten")
}
