package conn

import (
	"slices"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// polled are the kernel's handles of polls that wait. They live in the slots' header: a successor does not know what
// they wait for, so it wakes them all, and they poll again.
type polled struct {
	mu      sync.Mutex // guards handles
	handles []uint64   // 0 for none; nil once the connection has ended
}

// poll answers FUSE_POLL: struct fuse_poll_in is fh, kh, flags, events; fuse_poll_out is revents and padding.
func (s *Server) poll(r request, out []byte) int {
	in := r.body()
	if s.options.Poll == nil || len(in) < 24 {
		return putError(out, r.unique(), fuse.ENOSYS)
	}
	var wake func()
	if order.Uint32(in[16:])&pollScheduleNotify != 0 {
		handle := order.Uint64(in[8:])
		if !s.polled.add(handle) {
			return putError(out, r.unique(), fuse.Status(syscall.ENOMEM))
		}
		wake = sync.OnceFunc(func() { s.wakePoll(handle) })
	}
	ready, status := s.options.Poll(r.node(), order.Uint64(in), order.Uint32(in[20:]), wake)
	if !status.Ok() {
		return putError(out, r.unique(), status)
	}
	clear(out[outHeaderSize : outHeaderSize+8])
	order.PutUint32(out[outHeaderSize:], ready)
	return putHeader(out, outHeaderSize+8, r.unique(), fuse.OK)
}

// add notes a handle that waits. It returns false if there is no room.
func (p *polled) add(handle uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.Index(p.handles, handle)
	if at < 0 {
		at = slices.Index(p.handles, 0)
	}
	if at < 0 {
		return false
	}
	p.handles[at] = handle
	return true
}

// wakePoll has the kernel poll the handle again. The lock is held all the while, so that the next poll of the handle
// is noted after this one is forgotten.
func (s *Server) wakePoll(handle uint64) {
	s.polled.mu.Lock()
	defer s.polled.mu.Unlock()
	if s.polled.handles == nil {
		return
	}
	body := make([]byte, 8) // struct fuse_notify_poll_wakeup_out
	order.PutUint64(body, handle)
	if err := s.notify(s.write, notifyPoll, body); err != nil && !connectionEnded(err) {
		s.options.Fuse.Logger.Printf("waking poll %d: %v", handle, err)
	}
	if at := slices.Index(s.polled.handles, handle); at >= 0 {
		s.polled.handles[at] = 0
	}
}

// wakePolled wakes what waited for a predecessor.
func (s *Server) wakePolled() {
	for _, handle := range s.area.pollHandles() {
		if handle != 0 {
			s.wakePoll(handle)
		}
	}
}

// forgetPolled is called when the connection has ended, before the slots are unmapped.
func (s *Server) forgetPolled() {
	s.polled.mu.Lock()
	defer s.polled.mu.Unlock()
	s.polled.handles = nil
}
