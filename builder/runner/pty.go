package runner

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// pty is a terminal for a process whose caller has none.
type pty struct {
	master, slave *os.File
	copied        chan struct{} // closed when all output is
}

func openPty() (*pty, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	p := &pty{master: os.NewFile(uintptr(fd), "/dev/ptmx")}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		p.slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a terminal: %w", err), p.master.Close())
	}
	return p, nil
}

// started copies, once the process has the slave. A caller without input leaves the process waiting for it.
func (p *pty) started(s Spec) {
	if p == nil {
		return
	}
	p.slave.Close()
	p.copied = make(chan struct{})
	go func() {
		defer close(p.copied)
		to := s.Stdout
		if to == nil {
			to = io.Discard
		}
		_, _ = io.Copy(to, p.master) // ends with EIO when the last one closes the slave
	}()
	if s.Stdin != nil {
		go func() { _, _ = io.Copy(p.master, s.Stdin) }() // ends with its input, or at the next byte after the process
	}
}

// Close closes the terminal when all output is copied, which the processes that have it must let come to an end.
func (p *pty) Close() error {
	if p == nil {
		return nil
	}
	if p.copied == nil {
		return errors.Join(p.slave.Close(), p.master.Close())
	}
	<-p.copied
	return p.master.Close()
}
