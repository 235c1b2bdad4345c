package imagefs

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
)

// site is where a RUN is carried out: a container that no list shows, and a directory. See [workplace].
type site struct {
	place     *workplace
	id        string // the container's
	dir       string
	container *container.Container // nil before it is made
}

// newSite makes the directory of a site.
func (b *build) newSite() (*site, error) {
	place, err := b.workplace()
	if err != nil {
		return nil, err
	}
	id := container.NewID()
	at := &site{place: place, id: id, dir: filepath.Join(place.dir, id[:12])}
	return at, os.Mkdir(at.dir, 0o700)
}

// makeContainer makes the container, of the image so far.
func (at *site) makeContainer(ctx context.Context, s *buildStage) error {
	img, err := s.published(ctx, at.place)
	if err != nil {
		return err
	}
	files, err := s.store.Tree(img)
	if err != nil {
		return err
	}
	c := container.Container{ID: at.id, Name: at.id[:12], Created: s.now, Image: img.ID, Config: json.RawMessage("{}")}
	_, err = s.store.Update(ctx, func(*store.Snapshot) (_ []store.Change, err error) {
		at.container, err = container.Create(at.place.dir, c, files)
		return nil, err
	})
	return err
}

func (at *site) mkdir() (string, error) { return os.MkdirTemp(at.dir, "mount-") }

// remove removes the container, and then the directory.
func (at *site) remove(ctx context.Context) error {
	if at.container != nil {
		if err := at.container.Remove(ctx, true); err != nil {
			return err
		}
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
