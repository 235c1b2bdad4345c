package fs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/fs/conn"
)

// unmount takes the containers down, then content, then names. Unless lazy, what is in use is an error and all stay; an
// ordinary user cannot ask the kernel beforehand, so there names is detached even if it is in use, once content is down.
func (m *held) unmount(lazy bool) error {
	dirs := []string{m.place.Content, m.place.Mountpoint}
	for _, dir := range dirs {
		if !lazy && busy(dir) {
			return inUse(dir)
		}
	}
	if err := m.unmountContainers(lazy); err != nil {
		return err
	}
	for i, dir := range dirs {
		ok, err := mounted(dir)
		if err == nil && ok {
			err = conn.Unmount(dir, lazy || i > 0)
		}
		if errors.Is(err, syscall.EINVAL) {
			continue // its server's end, which follows that of content, has taken it down
		}
		if errors.Is(err, syscall.EBUSY) {
			return inUse(dir)
		}
		if err != nil {
			return err
		}
	}
	m.handOver()
	if m.config.Content == "" {
		_ = os.Remove(m.place.Content) // another mount may be in it by now
	}
	return nil
}

// busy tells whether something uses the mount at dir, where this process may ask. MNT_EXPIRE only marks a mount that
// nothing uses (umount(2)); should it have been marked already, the mount is gone, as is wanted next.
func busy(dir string) bool {
	return errors.Is(unix.Unmount(dir, unix.MNT_EXPIRE), unix.EBUSY)
}

func inUse(dir string) error {
	return &imagefs.Error{
		Kind: imagefs.InUse, Subject: dir,
		Err:  fmt.Errorf("%s is in use", dir),
		Hint: "see who with: fuser -vm " + dir,
	}
}

// Unmount asks the holder of mountpoint to take both trees down. An error of kind InUse leaves both. With abort it asks
// nobody: it ends both connections, so that whoever waits for a server that does not answer gets an error, and detaches
// them.
func Unmount(ctx context.Context, mountpoint string, abort bool) error {
	p, err := findPlace(mountpoint)
	if err != nil {
		return err
	}
	if abort {
		return p.abort()
	}
	if err := p.ask(ctx, request{Verb: "umount"}); err != nil {
		return err
	}
	return p.waitForEnd(ctx)
}

// waitForEnd returns when the holder, which has unmounted, has collected what the mount had kept, and ended: whoever mounts
// again, or removes the store, does not meet it. It does not wait much longer than a collection may take.
func (p place) waitForEnd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*collectTime)
	defer cancel()
	for {
		f, err := os.Open(filepath.Join(p.State, "lock"))
		if err != nil {
			return nil // it is gone
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (p place) abort() error {
	var all error
	found := false
	for _, dir := range []string{p.Content, p.Mountpoint} {
		ok, err := mounted(dir)
		if err == nil && ok {
			found = true
			err = errors.Join(conn.Abort(dir), conn.Unmount(dir, true))
		}
		all = errors.Join(all, err)
	}
	all = errors.Join(all, container.UnmountAll(context.Background(), p.Content, true))
	if all == nil && !found {
		return notMounted(p)
	}
	return all
}

func notMounted(p place) error {
	return &imagefs.Error{
		Kind: imagefs.NotFound, Subject: p.Mountpoint,
		Err: fmt.Errorf("imagefs is not mounted at %s", p.Mountpoint),
	}
}

// Upgrade asks the holder of mountpoint to replace its server by one of the binary at that path, under running
// readers, and waits until it answers. If it refuses to take over, the old one goes on and the refusal is returned.
func Upgrade(ctx context.Context, mountpoint, binary string) error {
	p, err := findPlace(mountpoint)
	if err != nil {
		return err
	}
	return p.ask(ctx, request{Verb: "upgrade", Binary: binary})
}
