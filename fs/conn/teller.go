package conn

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// teller is a process that writes those notifications to the device for which the kernel may wait for an answer, and
// cannot be killed meanwhile. If the server itself waited so, it could not end when it is killed, nobody would follow it,
// and so nobody would answer. The teller is not waited for; it ends when its server has, and what it waited for.
type teller struct {
	command func() *exec.Cmd // see [Options]; nil if the server writes them itself

	mu    sync.Mutex // guards all below, and is held until a notification is answered
	cmd   *exec.Cmd
	link  *os.File // nil while there is no process
	ended bool     // there will be none
}

// Tell is the process of [Options].Teller. Its descriptors are 3, the device, and 4, a socket to the server.
func Tell() error {
	message := make([]byte, maxNotification)
	for {
		n, err := unix.Read(4, message)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || n == 0:
			return err
		}
		answer := make([]byte, 4)
		order.PutUint32(answer, uint32(errnoIn(writeTo(3, message[:n]))))
		if _, err := unix.Write(4, answer); err != nil {
			return err
		}
	}
}

// maxNotification is more than the size of any, in bytes.
const maxNotification = 1024

func errnoIn(err error) syscall.Errno {
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		return syscall.EIO
	}
	return errno
}

// tell sends a notification through the teller. Without one it does so itself: better a server that may not end when it
// is killed than a kernel that shows what is gone.
func (s *Server) tell(message []byte) error {
	t := &s.teller
	if t.command == nil {
		return s.write(message)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return syscall.ENODEV
	}
	if t.link == nil {
		if err := t.start(s.dev); err != nil {
			s.options.Fuse.Logger.Printf("starting who tells the kernel: %v", err)
			return s.write(message)
		}
	}
	errno, err := t.pass(message)
	if err != nil {
		t.stop()
		return s.write(message)
	}
	if errno != 0 {
		return errno
	}
	return nil
}

func (t *teller) start(dev *os.File) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "teller"), os.NewFile(uintptr(pair[1]), "server")
	defer theirs.Close()
	cmd := t.command()
	cmd.ExtraFiles = []*os.File{dev, theirs}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, ours.Close())
	}
	t.cmd, t.link = cmd, ours
	return nil
}

// pass has the process write a message, and returns what the kernel says to it. The error says that the process has ended.
func (t *teller) pass(message []byte) (syscall.Errno, error) {
	if _, err := t.link.Write(message); err != nil {
		return 0, err
	}
	answer := make([]byte, 4)
	if _, err := t.link.Read(answer); err != nil {
		return 0, err
	}
	return syscall.Errno(order.Uint32(answer)), nil
}

// stop ends the process, which waits for nothing, if there is one.
func (t *teller) stop() {
	if t.link != nil {
		t.link.Close()
		_ = t.cmd.Wait() // it has nothing to say
		t.cmd, t.link = nil, nil
	}
}

// end stops the teller for good, once the connection has ended.
func (t *teller) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	t.stop()
}
