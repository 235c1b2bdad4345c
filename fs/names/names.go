package names

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

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
	worker
	Store() *store.Store
}

type worker interface {
	control.Engine
	Changer
}

// Store is what the tree shows; [*store.Store] is one.
type Store interface {
	Dir() string
	Refresh() (*store.Snapshot, error)
}

// New makes the tree of a connection, or takes over that of a predecessor: jobs that it had left running in the
// background are started again. Jobs end with ctx, and their end is not written down then.
func New(ctx context.Context, e Engine, c Config) (*FS, error) { return newFS(ctx, e, e.Store(), c) }

func newFS(ctx context.Context, e worker, s Store, c Config) (*FS, error) {
	snap, err := s.Refresh()
	if err != nil {
		return nil, err
	}
	f := &FS{
		RawFileSystem: fuse.NewDefaultRawFileSystem(),
		store:         s, engine: e, log: c.Log, uid: uint32(os.Geteuid()), gid: uint32(os.Getegid()),
		mount: Mount{Mountpoint: c.Mountpoint, Content: c.Content, Time: time.Now()},
		ids:   newIDs(), handles: newHandles(),
		accessLog: control.NewFeed(func(n int, _ time.Time) []byte { return fmt.Appendf(nil, "# %d lines dropped\n", n) }),
	}
	if f.made, err = openMaking(c.State, c.Connection); err != nil {
		return nil, err
	}
	f.files, err = control.New(ctx, e, control.Config{
		State: c.State, Exports: filepath.Join(s.Dir(), "exports"), Own: []string{c.Mountpoint, c.Content},
		Connection: c.Connection, Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	f.files.Add(".stats", control.Text(0o444, f.stats), true)
	f.files.Add(".accesslog", f.accessLog, false)
	f.show(snap)
	f.kernel.view = f.shown.Load().view
	f.learn(".")
	return f, nil
}

// MountOptions are those that the tree needs.
func MountOptions() *fuse.MountOptions {
	return &fuse.MountOptions{MaxWrite: 2 * control.MaxWrite, DisableXAttrs: true, EnableSymlinkCaching: true}
}

// FS answers the kernel. Its methods may be called from many goroutines.
type FS struct {
	fuse.RawFileSystem // what is not answered here is not implemented, and the kernel need not ask again
	store              Store
	engine             Changer
	log                func(format string, args ...any)
	uid, gid           uint32 // the owner of all files
	mount              Mount
	files              *control.Tree
	made               *making
	shown              atomic.Pointer[shown]
	building           sync.Mutex // held while a view is built
	ids                *ids
	handles            *handles
	accessLog          *control.Feed
	counts             counts
	kernel             kernel
}

// shown is a view and what it is of.
type shown struct {
	snap *store.Snapshot
	made *Made
	view *View
}

// Wait waits for the jobs in the background, once the context of New has ended.
func (f *FS) Wait() { f.files.Wait() }

// view is of the store as it is now, whoever changed it. If the store cannot be read, it stays what it was.
func (f *FS) view() *View {
	snap, err := f.store.Refresh()
	if err != nil {
		f.log("refresh of the store: %v", err)
		return f.shown.Load().view
	}
	return f.show(snap)
}

func (f *FS) show(snap *store.Snapshot) *View {
	now, made := f.shown.Load(), f.made.current.Load()
	if now != nil && now.snap == snap && now.made == made {
		return now.view
	}
	f.building.Lock() // who else needs it waits for it
	defer f.building.Unlock()
	if now = f.shown.Load(); now != nil && now.snap == snap && now.made == made {
		return now.view
	}
	m := f.mount
	m.Made = *made
	next := &shown{snap, made, NewView(snap, m)}
	f.shown.Store(next)
	return next.view
}

// learn makes the ids known of all that is listed from dir on, and of the control files that are not, so that the
// kernel's are known to a successor.
func (f *FS) learn(dir string) {
	f.know(dir)
	list, err := f.readDir(dir)
	if err != nil {
		return // it went while it was being read
	}
	for _, path := range f.files.Unlisted(dir) {
		f.know(path)
	}
	for _, e := range list {
		if path := join(dir, e.Name()); e.IsDir() {
			f.learn(path)
		} else {
			f.know(path)
		}
	}
}

func (f *FS) know(path string) {
	if _, err := f.ids.add(path); err != nil {
		f.log("%s cannot be shown: it has the hash of another path", path)
	}
}
