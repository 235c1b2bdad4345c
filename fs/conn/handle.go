package conn

import (
	"cmp"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"

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
	at.end()
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

// interrupt tells the handler of the request that an INTERRUPT is about. It returns false if that request is not at
// work (any more, or yet): go-fuse then answers EAGAIN, and the kernel asks again if it still waits.
func (s *Server) interrupt(r request) bool {
	unique, ok := r.interrupts()
	if !ok {
		return false
	}
	target := s.area.find(unique)
	if target == nil {
		return false
	}
	s.interruptAt(target, unique)
	return true
}

// interruptAt notes that the request is interrupted, for a successor and for answerAgain, and tells its handler if that
// has begun.
func (s *Server) interruptAt(at *slot, unique uint64) {
	atomic.StoreUint64(at.interrupted, unique)
	if atomic.LoadUint32(at.begun) == 1 {
		s.cancel(at, unique)
	}
}

// cancel closes the channel that the handler of the request unique watches, as soon as go-fuse knows the request; the
// time from begin to then is a few instructions of another goroutine. It returns if the request has been answered.
func (s *Server) cancel(at *slot, unique uint64) {
	var none [outHeaderSize]byte
	for at.atWork.Load() == unique && at.cancelled.Load() != unique {
		n, _ := s.proto.HandleRequest([][]byte{interruptOf(unique)}, [][]byte{none[:]})
		if n == 0 {
			at.cancelled.Store(unique)
			return
		}
		runtime.Gosched()
	}
}

// panicked logs what a handler died of; its request is answered EIO. A fault, which is what a file that was truncated
// under its mapping causes, is no bug in the program, so it gets one line.
func (s *Server) panicked(cause any) fuse.Status {
	if fault, ok := cause.(interface{ Addr() uintptr }); ok {
		s.options.Fuse.Logger.Printf("fault at %#x: a mapped file has lost its bytes", fault.Addr())
		return fuse.EIO
	}
	s.options.Fuse.Logger.Printf("panic in a handler: %v\n%s", cause, debug.Stack())
	return fuse.EIO
}
