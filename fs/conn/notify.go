package conn

import "syscall"

// EntryNotify tells the kernel to forget the entry name of the directory node. ENOENT, for what the kernel does not
// know, is no error.
//
// The kernel takes the directory's lock, which it holds while it waits for the answer to a LOOKUP, CREATE, UNLINK, … in
// it: a handler must not call this, nor hold a lock that another handler waits for while it does. Nothing that waits for
// that lock can be killed, so it is [Options].Teller that does.
func (s *Server) EntryNotify(node uint64, name string) error {
	if len(name) > 255 {
		return syscall.ENAMETOOLONG
	}
	body := make([]byte, 16, 16+len(name)+1) // struct fuse_notify_inval_entry_out: parent, namelen, flags
	order.PutUint64(body, node)
	order.PutUint32(body[8:], uint32(len(name)))
	body = append(append(body, name...), 0)
	return s.notify(s.tell, notifyInvalidateEntry, body)
}

// InodeNotify tells the kernel to forget node's attributes and n bytes of its content from off on; n 0 for all, off
// negative for no content. ENOENT, for what the kernel does not know, is no error.
//
// The kernel waits for the pages' locks, which it holds until it has the answer to their READ: what is said of
// EntryNotify holds here, too.
func (s *Server) InodeNotify(node uint64, off, n int64) error {
	write := s.tell
	if off < 0 { // then it waits for nothing
		write = s.write
	}
	return s.notify(write, notifyInvalidateInode, inodeNotification(node, off, n))
}

// inodeNotification makes a struct fuse_notify_inval_inode_out: ino, off, len.
func inodeNotification(node uint64, off, n int64) []byte {
	body := make([]byte, 24)
	order.PutUint64(body, node)
	order.PutUint64(body[8:], uint64(off))
	order.PutUint64(body[16:], uint64(n))
	return body
}

// notify is send for what may be unknown to the kernel.
func (s *Server) notify(write func([]byte) error, code int32, body []byte) error {
	if err := send(write, code, body); err != syscall.ENOENT {
		return err
	}
	return nil
}

// send sends a message that answers no request: its Unique is 0, its code stands where an errno would.
func send(write func([]byte) error, code int32, body []byte) error {
	message := make([]byte, outHeaderSize, outHeaderSize+len(body))
	message = append(message, body...)
	putHeader(message, len(message), 0, 0)
	order.PutUint32(message[4:], uint32(code))
	return write(message)
}
