package conn

import (
	"context"
	"os"
	"os/exec"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// MountOptions says how a connection is mounted.
type MountOptions struct {
	FSName     string // first column of /proc/mounts
	Subtype    string // the file system's type is fuse.Subtype
	ReadOnly   bool   // and noatime; every mount is nosuid,nodev
	AllowOther bool   // and default_permissions
	MaxRead    int    // bytes
}

// Mount opens /dev/fuse and mounts it on dir: by mount(2) where the process may, through fusermount3 otherwise.
// The descriptor is close-on-exec.
func Mount(dir string, o MountOptions) (*os.File, error) { panic("unwritten") }

// Unmount detaches the file system at dir: by umount2(2) where the process may, through fusermount3 otherwise. lazy
// detaches it although it is busy. EBUSY otherwise.
func Unmount(dir string, lazy bool) error { panic("unwritten") }

// Abort ends the connection mounted at dir, so that all that wait for it get an error.
func Abort(dir string) error { panic("unwritten") }

// NewSlots makes the memfd for n requests of up to size bytes each. It is close-on-exec.
func NewSlots(n, size int) (*os.File, error) { panic("unwritten") }

// Options configures a [Server].
type Options struct {
	Fuse *fuse.MountOptions // as fuse.NewProtocolServer takes them
	// Workers is how many goroutines read and answer requests, each one after the other; 0 for a goroutine a
	// request, up to the number of slots, for a file system whose requests may block.
	Workers int
	// Poll answers FUSE_POLL, which go-fuse does not know: the events that are ready for file handle fh of node; wake
	// is called once, later, when that may have changed. nil if no file can be polled.
	Poll func(node, fh uint64, events uint32, wake func()) (ready uint32, errno fuse.Status)
}

// Server answers one connection.
type Server struct{}

// NewServer answers INIT, or replays it where a predecessor has answered it already. It fails if its answer would
// differ from its predecessor's.
func NewServer(dev, slots *os.File, fs fuse.RawFileSystem, o Options) (*Server, error) {
	panic("unwritten")
}

// TookOver tells whether a predecessor had this connection.
func (s *Server) TookOver() bool { panic("unwritten") }

// Serve reads and answers requests until the file system is unmounted or the connection aborted, and then returns nil.
func (s *Server) Serve() error { panic("unwritten") }

// EntryNotify tells the kernel to forget the entry name of the directory node. ENOENT, for what the kernel does not
// know, is no error.
func (s *Server) EntryNotify(node uint64, name string) error { panic("unwritten") }

// InodeNotify tells the kernel to forget node's attributes and n bytes of its content from off on; n 0 for all.
func (s *Server) InodeNotify(node uint64, off, n int64) error { panic("unwritten") }

// Holder keeps connections open and a server process behind them.
type Holder struct {
	// Files become descriptors 3, 4, … of the server.
	Files []*os.File
	// Command makes the server's command; upgrade is the path of the binary to change to, or "" for the one in use.
	Command func(upgrade string) *exec.Cmd
	// Log is told of deaths and takeovers, a line each.
	Log func(format string, args ...any)
}

// Run starts the server, and the next one each time it dies, until one ends with exit status 0 (its file systems are
// unmounted) or ctx ends.
func (h *Holder) Run(ctx context.Context) error { panic("unwritten") }

// Upgrade replaces the running server by one of the binary at path ("" for the same), and returns when it answers. If
// the new one refuses to take over, the old binary is started again and its refusal returned.
func (h *Holder) Upgrade(ctx context.Context, path string) error { panic("unwritten") }
