package conn

import (
	"syscall"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// readInto reads one message from the kernel.
func (s *Server) readInto(buffer []byte) error {
	for {
		// Not unix.Read: for the race detector that would be a write to memory which the kernel shares with others.
		n, _, errno := unix.Syscall(unix.SYS_READ, uintptr(s.fd), uintptr(unsafe.Pointer(&buffer[0])), uintptr(len(buffer)))
		switch errno {
		case 0:
			if n == 0 {
				return syscall.ENODEV // the end of a socket, which stands for the device in tests
			}
			return nil
		case syscall.EINTR, syscall.EAGAIN, syscall.ENOENT: // ENOENT: it was interrupted before it was read
			continue
		}
		return errno
	}
}

// connectionEnded is true for what read(2) and write(2) say after the file system was unmounted or aborted.
func connectionEnded(err error) bool { return err == syscall.ENODEV || err == syscall.ECONNABORTED }

// write sends an answer or a notification.
func (s *Server) write(message []byte) error { return writeTo(s.fd, message) }

func writeTo(fd int, message []byte) error {
	for {
		_, err := unix.Write(fd, message)
		if err != syscall.EINTR {
			return err
		}
	}
}

// reply sends an answer. If the kernel takes it for nonsense, it gets an EIO instead: a reader never waits for ever.
func (s *Server) reply(answer []byte, unique uint64) {
	err := s.write(answer)
	if err == nil || err == syscall.ENOENT || connectionEnded(err) {
		return // ENOENT: nobody waits for it any more
	}
	s.options.Fuse.Logger.Printf("answer of %d bytes to request %d: %v", len(answer), unique, err)
	s.write(answer[:putError(answer, unique, fuse.EIO)])
}
