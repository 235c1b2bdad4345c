package conn

import (
	"sync"
	"sync/atomic"
	"syscall"
)

// settling is who waits for requests to be answered.
type settling struct {
	waiters atomic.Int32
	mu      sync.Mutex // held while a waiter looks at a slot, and while it is told
	ended   sync.Cond
}

// end empties a slot whose request has been answered.
func (s *Server) end(at *slot) {
	at.end()
	if s.settling.waiters.Load() > 0 {
		s.settling.mu.Lock()
		s.settling.ended.Broadcast()
		s.settling.mu.Unlock()
	}
}

// Settle returns when what was at work at the call is answered. So what the file system shows from before the call on,
// is what the kernel is told from its return on. A handler must not call it.
func (s *Server) Settle() {
	s.settling.waiters.Add(1) // before any slot is looked at: whoever ends one later sees it
	defer s.settling.waiters.Add(-1)
	for _, at := range s.area.slots {
		unique := at.atWork.Load()
		s.settling.mu.Lock()
		for unique != 0 && at.atWork.Load() == unique {
			s.settling.ended.Wait()
		}
		s.settling.mu.Unlock()
	}
}

// Knows tells whether the kernel knows node: it does as long as anything has it, or a node below it, open, mapped, as
// its working directory, or in the cache of names. No count of lookups is kept for that, which the death of a server
// could falsify; the kernel is asked. Its attributes of node are forgotten by that. What is said of
// [Server.InodeNotify] holds here, too.
func (s *Server) Knows(node uint64) (bool, error) {
	err := send(s.write, notifyInvalidateInode, inodeNotification(node, -1, 0))
	if err == syscall.ENOENT {
		return false, nil
	}
	return err == nil, err
}

// Prune has the kernel forget the names of node, if nothing uses them. EINVAL if the kernel cannot do that: before
// Linux 6.18 [Server.EntryNotify] is all there is, which makes a directory that is in use one without a name.
func (s *Server) Prune(node uint64) error {
	body := make([]byte, 24) // struct fuse_notify_prune_out, count, padding, spare; then the nodes
	order.PutUint32(body, 1)
	order.PutUint64(body[16:], node)
	return s.notify(s.write, notifyPrune, body)
}
