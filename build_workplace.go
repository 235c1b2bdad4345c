package imagefs

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/builder/runner"
	"github.com/imagefs/imagefs/store"
)

// workplace is what a build in which something runs has on the disk.
//
//	ROOT/building/BUILD/lock               an flock for as long as the build, or what it runs, is at work
//	ROOT/building/BUILD/containers/NAME/   the container of a RUN, as package container has it
//	ROOT/building/BUILD/NAME/              package runner's, and what is mounted
//
// Images that are there only for these containers to stand on have BUILD in their comment. All goes with the build. If
// that is killed, a process which it has started sweeps it away, or else whoever builds or mounts next.
type workplace struct {
	dir     string
	lock    *os.File
	sweeper *exec.Cmd
}

func (e *Engine) building() string { return filepath.Join(e.store.Dir(), "building") }

// workplace makes the build's, the first time.
func (b *build) workplace() (*workplace, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.place != nil {
		return b.place, nil
	}
	place := &workplace{dir: filepath.Join(b.building(), rand.Text())}
	var err error
	if place.sweeper, err = startSweeper(b.store.Dir(), filepath.Base(place.dir)); err != nil {
		return nil, err
	}
	if place.lock, err = lockWorkplace(place.dir); err != nil {
		return nil, errors.Join(err, place.dismiss())
	}
	b.place = place
	return place, nil
}

const workplaceLock = "lock"

// lockWorkplace makes a build's directory and takes its lock. As long as nobody has that, a sweep may remove the
// directory: then it is made anew.
func lockWorkplace(dir string) (*os.File, error) {
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		lock, err := lockFile(filepath.Join(dir, workplaceLock), unix.LOCK_EX)
		if !errors.Is(err, fs.ErrNotExist) {
			return lock, err
		}
	}
}

// lockFile makes a file and locks it, as flock(2) is told how to, until it is closed; fs.ErrNotExist if its directory
// is gone, or if whoever had the lock has removed the file.
func lockFile(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		return nil, errors.Join(&os.PathError{Op: "lock", Path: path, Err: err}, f.Close())
	}
	locked, err := f.Stat()
	if err == nil {
		var named os.FileInfo
		if named, err = os.Stat(path); err == nil && !os.SameFile(locked, named) {
			err = &os.PathError{Op: "lock", Path: path, Err: fs.ErrNotExist}
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// passing begins the comment of an image that is there only for a container of a build to stand on.
const passing = "imagefs build: in passing, "

func isPassing(c config) bool { return strings.HasPrefix(c.Comment, passing) }

// comment is that of the build's own such images: another build's are other images.
func (w *workplace) comment() string { return passing + filepath.Base(w.dir) }

// leave removes the build's workplace, if it has one.
func (b *build) leave(ctx context.Context) error {
	if b.place == nil {
		return nil
	}
	return errors.Join(b.removeWorkplace(ctx, b.place), b.place.lock.Close(), b.place.dismiss())
}

// removeWorkplace removes the directory last: as long as it is there, a later sweep finds what is left.
func (e *Engine) removeWorkplace(ctx context.Context, w *workplace) error {
	left, err := container.List(w.dir)
	if err != nil {
		return err
	}
	for _, c := range left {
		at := &site{container: c, dir: filepath.Join(w.dir, c.Name)}
		if err := errors.Join(runner.Clean(at.dir), at.remove(ctx)); err != nil {
			return err
		}
	}
	if err := e.removePassing(ctx, w.comment()); err != nil {
		return err
	}
	// Nobody must find it there without its lock.
	if err := os.Rename(w.dir, w.leaving()); err != nil {
		return err
	}
	return os.RemoveAll(w.leaving())
}

// leaving is where the directory is while it is removed.
func (w *workplace) leaving() string {
	return filepath.Join(filepath.Dir(w.dir), leaving+filepath.Base(w.dir))
}

const leaving = ".gone-"

// removePassing removes the images without a name that have a comment.
func (e *Engine) removePassing(ctx context.Context, comment string) error {
	_, err := e.store.Update(ctx, func(snap *store.Snapshot) (changes []store.Change, err error) {
		named := namesByImage(snap)
		for _, img := range snap.Images {
			if named[img] != nil {
				continue
			}
			if c, err := readConfig(e.store, img); err == nil && c.Comment == comment {
				changes = append(changes, store.Change{Remove: img.ID})
			}
		}
		return changes, nil
	})
	return err
}
