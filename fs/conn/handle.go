package conn

import (
	"cmp"
	"os"
	"runtime/debug"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// buffers are what a goroutine needs to answer a request, made once: the answer's bytes, and the slices of slices
// that go-fuse takes.
type buffers struct {
	in, out [1][]byte
}

// newBuffers makes room for the largest answer: READ, READDIR and IOCTL have up to max_pages pages, at least the 32 of
// old kernels; a list of xattrs has 64 KiB.
func newBuffers(init []byte) *buffers {
	pages := max(32, int(order.Uint16(init[44:]))+1)
	payload := max(pages*os.Getpagesize(), int(initMaxWrite(init)))
	b := &buffers{}
	b.out[0] = make([]byte, 4096+payload)
	return b
}

// answer handles the request in the slot, which is at work, answers it, and empties the slot.
func (s *Server) answer(at *slot, r request, b *buffers) {
	unique := r.unique()
	if n := s.handle(r, b); n > 0 {
		s.reply(b.out[0][:n], unique)
	}
	s.end(at)
}

// handle returns the length of the answer in b.out, 0 if there is none.
func (s *Server) handle(r request, b *buffers) (n int) {
	out := b.out[0]
	// go-fuse copies a READ's result outside of its own recover: a fault in it arrives here.
	defer func() {
		if cause := recover(); cause != nil {
			n = putError(out, r.unique(), cmp.Or(s.options.Fuse.PanicHandler(cause), fuse.EIO))
		}
	}()
	switch r.opcode() {
	case opPoll:
		return s.poll(r, out)
	case opStatx: // go-fuse would log it as unknown
		return putError(out, r.unique(), fuse.ENOSYS)
	case opInterrupt:
		if s.interrupt(r) {
			return 0
		}
	}
	b.in[0] = r
	n, status := s.proto.HandleRequest(b.in[:], b.out[:])
	if n == 0 && !status.Ok() && r.wantsAnswer() {
		return putError(out, r.unique(), status)
	}
	return n
}

// panicked logs what a handler died of; its request is answered EIO. A fault, which is what a file that was truncated
// under its mapping causes, is no bug in the program, so it gets one line.
func (s *Server) panicked(cause any) fuse.Status {
	if fault, ok := cause.(interface{ Addr() uintptr }); ok {
		s.options.Fuse.Logger.Printf("fault at %#x: has a mapped file been truncated?", fault.Addr())
		return fuse.EIO
	}
	s.options.Fuse.Logger.Printf("panic in a handler: %v\n%s", cause, debug.Stack())
	return fuse.EIO
}
