package imagefs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/builder/runner"
	"github.com/imagefs/imagefs/store"
)

// site is where a RUN is carried out: a container that no list shows, and a directory.
//
//	ROOT/building/containers/NAME/   the container, as package container has it
//	ROOT/building/NAME/              package runner's, and what is mounted; its lock is an flock for as long as it counts
//	ROOT/building/.gone-NAME/        one that is being removed
//
// What a build that was killed has left goes with the next RUN.
type site struct {
	engine    *Engine
	container *container.Container
	dir       string
	lock      *os.File
}

func (e *Engine) building() string { return filepath.Join(e.store.Dir(), "building") }

const siteLock = "lock"

// newSite makes a container of the image so far.
func (s *buildStage) newSite(ctx context.Context) (*site, error) {
	if err := s.sweepSites(ctx); err != nil {
		return nil, err
	}
	img, err := s.published(ctx)
	if err != nil {
		return nil, err
	}
	files, err := s.store.Tree(img)
	if err != nil {
		return nil, err
	}
	id := container.NewID()
	at := &site{engine: s.Engine, dir: filepath.Join(s.building(), id[:12])}
	if at.lock, err = makeSite(at.dir); err != nil {
		return nil, err
	}
	c := container.Container{ID: id, Name: id[:12], Created: s.now, Image: img.ID, Config: json.RawMessage("{}")}
	_, err = s.store.Update(ctx, func(*store.Snapshot) (_ []store.Change, err error) {
		at.container, err = container.Create(s.building(), c, files)
		return nil, err
	})
	if err != nil {
		return nil, errors.Join(err, removeSite(at.dir), at.lock.Close())
	}
	return at, nil
}

// makeSite makes a site's directory and takes its lock. As long as nobody has that, another build may remove the directory:
// then it is made anew.
func makeSite(dir string) (*os.File, error) {
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		lock, err := lockFile(filepath.Join(dir, siteLock), unix.LOCK_EX)
		if !errors.Is(err, fs.ErrNotExist) {
			return lock, err
		}
	}
}

// lockFile makes a file and locks it, as flock(2) is told how to, until it is closed; fs.ErrNotExist if its directory is gone,
// or if whoever had the lock has removed the file.
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

func (at *site) mkdir() (string, error) { return os.MkdirTemp(at.dir, "mount-") }

// with calls f while the container is mounted. The content tree learns of a new image a moment after it is published.
func (at *site) with(ctx context.Context, content string, f func(rootfs string) error) error {
	const longest = 5 * time.Second
	called := false
	for begin := time.Now(); ; {
		err := at.container.With(ctx, content, func(rootfs string) error {
			called = true
			return f(rootfs)
		})
		if called || !errors.Is(err, fs.ErrNotExist) || time.Since(begin) > longest {
			if err != nil && !called {
				err = cannotMount(at.container, err)
			}
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// remove removes the container, and then the directory, by which a later sweep finds what is left.
func (at *site) remove(ctx context.Context) error {
	err := at.container.Remove(ctx, true)
	if err == nil {
		err = removeSite(at.dir)
	}
	return errors.Join(err, at.lock.Close())
}

const leavingSite = ".gone-"

// removeSite removes a directory whose lock the caller has. Nobody must find it without the lock.
func removeSite(dir string) error {
	gone := filepath.Join(filepath.Dir(dir), leavingSite+filepath.Base(dir))
	if err := os.Rename(dir, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// sweepSites removes what builds that were killed have left.
func (e *Engine) sweepSites(ctx context.Context) error {
	container.FinishRemovals(e.building())
	entries, err := os.ReadDir(e.building())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		switch {
		case entry.Name() == "containers":
		case strings.HasPrefix(entry.Name(), leavingSite):
			_ = os.RemoveAll(filepath.Join(e.building(), entry.Name())) // others may be at it; the next one tries again
		default:
			if err := e.sweepSite(ctx, entry.Name()); err != nil {
				return err
			}
		}
	}
	return err
}

func (e *Engine) sweepSite(ctx context.Context, name string) error {
	dir := filepath.Join(e.building(), name)
	lock, err := lockFile(filepath.Join(dir, siteLock), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EWOULDBLOCK) {
		return nil // it went, or a build is at work there
	}
	if err != nil {
		return err
	}
	at := &site{engine: e, dir: dir, lock: lock}
	if err := runner.Clean(dir); err != nil {
		return errors.Join(err, lock.Close())
	}
	at.container, err = container.Open(e.building(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.Join(removeSite(dir), lock.Close())
	}
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	return errors.Join(at.remove(ctx), e.removePassing(ctx, at.container.Image))
}

// passing is the comment of an image that is there only for a container of a build to stand on.
const passing = "imagefs build: in passing, "

// published is an image with the files so far: one that is there to stay, or one without a name, which goes with the build.
func (s *buildStage) published(ctx context.Context) (*store.Image, error) {
	snap, err := s.store.Refresh()
	if err != nil {
		return nil, err
	}
	for _, img := range snap.Images {
		if slices.Equal(diffIDsOf(img), s.diffIDs) {
			if stays, err := s.stays(img); err != nil {
				return nil, err
			} else if stays {
				return img, s.keep(ctx, img)
			}
		}
	}
	draft := s.draft()
	draft.Config, draft.Comment = &ContainerConfig{}, passing+rand.Text() // another build's is another image
	raw, err := json.Marshal(draft)
	if err != nil {
		return nil, err
	}
	img, err := s.store.PutImage(ctx, s.claim, raw, s.layers)
	if err == nil {
		s.mu.Lock()
		s.passing = append(s.passing, img.ID)
		s.mu.Unlock()
	}
	return img, err
}

// stays tells whether an image is there as long as the build: one that goes with another build may go before.
func (b *build) stays(img *store.Image) (bool, error) {
	b.mu.Lock()
	mine := slices.Contains(b.passing, img.ID)
	b.mu.Unlock()
	if mine {
		return true, nil
	}
	c, err := readConfig(b.store, img)
	return !isPassing(c), err
}

// removePassing removes an image that published has made, and leaves others.
func (e *Engine) removePassing(ctx context.Context, id digest.Digest) error {
	_, err := e.store.Update(ctx, func(snap *store.Snapshot) ([]store.Change, error) {
		img := snap.Image(id)
		if img == nil {
			return nil, nil
		}
		c, err := readConfig(e.store, img)
		if err != nil || !isPassing(c) {
			return nil, err
		}
		return []store.Change{{Remove: id}}, nil
	})
	return err
}

func isPassing(c config) bool {
	return len(c.Comment) > len(passing) && c.Comment[:len(passing)] == passing
}
