package container

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// signals is a named pipe; each byte is the number of a signal for the process.
func (c *Container) signals() string { return filepath.Join(c.dir, "signals") }

// listen returns what comes from others, and from own, until stop is called.
func (c *Container) listen(own <-chan os.Signal) (all <-chan os.Signal, stop func(), err error) {
	if err := unix.Mkfifo(c.signals(), 0o600); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, nil, &os.PathError{Op: "mkfifo", Path: c.signals(), Err: err}
	}
	pipe, err := os.OpenFile(c.signals(), os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	merged, done := make(chan os.Signal), make(chan struct{})
	send := func(s os.Signal) {
		select {
		case merged <- s:
		case <-done:
		}
	}
	go func() {
		for number := make([]byte, 1); ; {
			if _, err := pipe.Read(number); err != nil {
				return
			}
			send(unix.Signal(number[0]))
		}
	}()
	go func() {
		for {
			select {
			case s, ok := <-own:
				if !ok {
					return
				}
				send(s)
			case <-done:
				return
			}
		}
	}()
	return merged, func() { close(done); pipe.Close() }, nil
}

// Signal sends a signal to the process that runs in the container; ErrNotRunning.
func (c *Container) Signal(s unix.Signal) error {
	pipe, err := os.OpenFile(c.signals(), os.O_WRONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ENXIO) || errors.Is(err, fs.ErrNotExist) {
		return ErrNotRunning
	}
	if err != nil {
		return err
	}
	_, err = pipe.Write([]byte{byte(s)})
	return errors.Join(err, pipe.Close())
}

// Wait waits until no process runs in the container, or ctx ends.
func (c *Container) Wait(ctx context.Context) error {
	const longest = 50 * time.Millisecond
	for delay := time.Millisecond; ; delay = min(2*delay, longest) {
		if status, err := c.Status(); status != Running || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(delay):
		}
	}
}
