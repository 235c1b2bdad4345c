package store

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// acquire opens the file path, made if need be, and takes its flock(2), which lasts until the file is closed. Where it
// has to wait, it calls waiting, which may be nil, again and again.
func acquire(ctx context.Context, path string, waiting func()) (*os.File, error) {
	const longest = 50 * time.Millisecond
	for delay := time.Millisecond; ; delay = min(2*delay, longest) {
		f, err := tryAcquire(path)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return f, err
		}
		if waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(delay):
		}
	}
}

// tryAcquire is acquire without waiting: EWOULDBLOCK if another has the lock.
func tryAcquire(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			return nil, &os.PathError{Op: "lock", Path: path, Err: err}
		}
		// Whoever had the lock may have removed the file, which is no lock then.
		if isStill(f, path) {
			return f, nil
		}
		f.Close()
	}
}

func isStill(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, named)
}
