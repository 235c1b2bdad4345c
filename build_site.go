package imagefs

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
)

// site is where a RUN is carried out: a container that no list shows, and a directory. See [workplace].
type site struct {
	container *container.Container
	dir       string
	lock      *os.File // the workplace's
}

// newSite makes a container of the image so far.
func (s *buildStage) newSite(ctx context.Context) (*site, error) {
	place, err := s.workplace()
	if err != nil {
		return nil, err
	}
	img, err := s.published(ctx, place)
	if err != nil {
		return nil, err
	}
	files, err := s.store.Tree(img)
	if err != nil {
		return nil, err
	}
	id := container.NewID()
	at := &site{dir: filepath.Join(place.dir, id[:12]), lock: place.lock}
	if err := os.Mkdir(at.dir, 0o700); err != nil {
		return nil, err
	}
	c := container.Container{ID: id, Name: id[:12], Created: s.now, Image: img.ID, Config: json.RawMessage("{}")}
	_, err = s.store.Update(ctx, func(*store.Snapshot) (_ []store.Change, err error) {
		at.container, err = container.Create(place.dir, c, files)
		return nil, err
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(at.dir))
	}
	return at, nil
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

// remove removes the container, and then the directory.
func (at *site) remove(ctx context.Context) error {
	if err := at.container.Remove(ctx, true); err != nil {
		return err
	}
	return os.RemoveAll(at.dir)
}

// published is an image with the files so far: one that is there to stay, or one without a name, which goes with the
// build.
func (s *buildStage) published(ctx context.Context, place *workplace) (*store.Image, error) {
	snap, err := s.store.Refresh()
	if err != nil {
		return nil, err
	}
	for _, img := range snap.Images {
		if !slices.Equal(diffIDsOf(img), s.diffIDs) {
			continue
		}
		c, err := readConfig(s.store, img)
		if err != nil {
			return nil, err
		}
		if !isPassing(c) || c.Comment == place.comment() {
			return img, s.keep(ctx, img)
		}
	}
	draft := s.draft()
	draft.Config, draft.Comment = &ContainerConfig{}, place.comment()
	raw, err := json.Marshal(draft)
	if err != nil {
		return nil, err
	}
	return s.store.PutImage(ctx, s.claim, raw, s.layers)
}
