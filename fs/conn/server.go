package conn

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Options configures a [Server].
type Options struct {
	Fuse *fuse.MountOptions // as fuse.NewProtocolServer takes them
	// Workers is how many goroutines read and answer requests, each one after the other; 0 for a goroutine a
	// request, up to the number of slots, for a file system whose READ and WRITE may block. When most slots hold one,
	// another is answered ENOBUFS, so that the other requests, and Ctrl-C, still pass. (Not EAGAIN, after which
	// Go programs wait for an event that never comes.)
	Workers int
	// Poll answers FUSE_POLL, which go-fuse does not know: the events that are ready for file handle fh of node; wake
	// is called once, later, when that may have changed or the file handle is released. It does not block. wake is nil
	// if nobody will wait. nil if no file can be polled.
	Poll func(node, fh uint64, events uint32, wake func()) (ready uint32, errno fuse.Status)
	// Teller makes the command of a process that runs [Tell], so that this one can be killed at any time: see
	// [Server.EntryNotify]. nil where no server follows another.
	Teller func() *exec.Cmd
}

// Server answers one connection.
type Server struct {
	dev      *os.File
	fd       int
	area     *area
	fs       fuse.RawFileSystem
	proto    *fuse.ProtocolServer
	options  Options
	tookOver bool
	buffers  sync.Pool // of *buffers
	polled   polled
	settling settling
	teller   teller
	watchers sync.WaitGroup // goroutines that cancel requests
	ended    atomic.Bool    // the connection has ended
}

// NewServer answers INIT, or replays it where a predecessor has answered it already. It fails if its answer would
// differ from its predecessor's. The file system's Init is not called, its OnUnmount is. dev and slots stay the
// caller's; they are made close-on-exec.
//
// What the environment says of the predecessor's end, see [Holder], decides how hard the requests it left are judged:
// one that was at work in two crashes is answered EIO; one that was only there when servers were killed, in 256 of
// these. Without a holder every end counts as a crash.
func NewServer(dev, slots *os.File, fs fuse.RawFileSystem, o Options) (*Server, error) {
	syscall.CloseOnExec(int(dev.Fd()))
	syscall.CloseOnExec(int(slots.Fd()))
	a, err := mapArea(slots)
	if err != nil {
		return nil, err
	}
	s := &Server{dev: dev, fd: int(dev.Fd()), area: a, fs: fs, options: o}
	s.polled.handles = a.pollHandles()
	s.teller.command = o.Teller
	s.settling.ended.L = &s.settling.mu
	mountOptions := *o.Fuse
	if mountOptions.Logger == nil {
		mountOptions.Logger = log.Default()
	}
	if mountOptions.PanicHandler == nil {
		mountOptions.PanicHandler = s.panicked
	}
	s.options.Fuse = &mountOptions
	s.proto = fuse.NewProtocolServer(fs, &mountOptions)
	s.buffers.New = func() any { return newBuffers(make([]byte, answerSize)) }
	if err := s.init(); err != nil {
		return nil, errors.Join(err, a.unmap())
	}
	return s, nil
}

// TookOver tells whether a predecessor had this connection.
func (s *Server) TookOver() bool { return s.tookOver }

// init reads INIT, unless a predecessor has, and answers it. Where a predecessor has answered it, the kernel does not
// wait for that any more.
func (s *Server) init() error {
	s.tookOver = order.Uint32(s.area.init()) != 0
	if !s.tookOver {
		err := s.readInto(s.area.init())
		if connectionEnded(err) {
			return nil // Serve will see it, too
		}
		if err != nil {
			return err
		}
	}
	r := requestIn(s.area.init())
	if r == nil {
		return fmt.Errorf("INIT: %w", syscall.EPROTO)
	}
	if r.opcode() != opInit {
		return fmt.Errorf("the first request has opcode %d, not INIT: its connection has been served without these slots",
			r.opcode())
	}
	out := make([]byte, answerSize)
	n, _ := s.proto.HandleRequest([][]byte{r}, [][]byte{out})
	if n < outHeaderSize || errnoOf(out) != 0 {
		return fmt.Errorf("INIT of %d bytes: %w", len(r), syscall.EPROTO)
	}
	answer := out[:n]
	if err := compareInit(s.area.answer(), answer); err != nil {
		return err
	}
	s.area.saveAnswer(answer)
	s.buffers.New = func() any { return newBuffers(answer) }
	if need := int(initMaxWrite(answer)) + inHeaderSize + writeInSize; s.area.size < need {
		return fmt.Errorf("slots hold requests of %d bytes, MaxWrite needs %d", s.area.size, need)
	}
	if err := s.write(answer); err != nil && err != syscall.ENOENT && !connectionEnded(err) {
		return fmt.Errorf("answering INIT: %w", err)
	}
	return nil
}

// initFields are those of struct fuse_init_out that a server decides, by their place in the answer.
var initFields = []struct {
	name     string
	from, to int
}{
	{"minor", 20, 24},
	{"max_readahead", 24, 28},
	{"flags", 28, 32},
	{"max_background", 32, 34},
	{"congestion_threshold", 34, 36},
	{"max_write", 36, 40},
	{"time_gran", 40, 44},
	{"max_pages", 44, 46},
	{"flags2", 48, 52},
	{"max_stack_depth", 52, 56},
}

func initMaxWrite(answer []byte) uint32 { return order.Uint32(answer[36:]) }

// compareInit compares the answer that the kernel has, if any, with the one it would get now.
func compareInit(saved, answer []byte) error {
	if saved == nil || bytes.Equal(saved, answer) {
		return nil
	}
	var differ []string
	for _, f := range initFields {
		if f.to <= len(saved) && f.to <= len(answer) && !bytes.Equal(saved[f.from:f.to], answer[f.from:f.to]) {
			differ = append(differ, f.name)
		}
	}
	if differ == nil {
		differ = []string{fmt.Sprintf("%d bytes instead of %d", len(answer), len(saved))}
	}
	return fmt.Errorf("cannot take over: the kernel was answered INIT differently by the server before (%s)",
		strings.Join(differ, ", "))
}
