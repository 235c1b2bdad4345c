package conn

import (
	"syscall"
	"time"
)

// Settle returns when what was at work at the call is answered. So what the file system shows from before the call on,
// is what the kernel is told from its return on. A handler must not call it.
func (s *Server) Settle() {
	for _, at := range s.area.slots {
		unique := at.atWork.Load()
		for unique != 0 && at.atWork.Load() == unique {
			time.Sleep(50 * time.Microsecond)
		}
	}
}

// Knows tells whether the kernel knows node: it does as long as anything has it, or a node below it, open, mapped, as
// its working directory, or in the cache of names. No count of lookups is kept for that, which the death of a server
// could falsify; the kernel is asked. Its attributes of node are forgotten by that. What is said of
// [Server.InodeNotify] holds here, too.
func (s *Server) Knows(node uint64) (bool, error) {
	err := s.send(notifyInvalidateInode, inodeNotification(node, -1, 0))
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
	return s.notify(notifyPrune, body)
}
