package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	digest "github.com/opencontainers/go-digest"
)

// Collected is what a collection has removed.
type Collected struct {
	Blobs  []digest.Digest // of images that were published: manifests, indexes, configs, layers
	Layers []digest.Digest // diffIDs
	Bytes  int64           // that the root is smaller by, as du counts it
}

// Collect removes from the disk what nothing references, claims or pins, no working container stands on and no record
// of the build cache leads to, and says what that was. What is derived may go at once; a blob or layer that no
// published image has had stays for a day. What this process has open of what is gone is closed when nobody uses it any
// more.
func (s *Store) Collect(ctx context.Context) (Collected, error) {
	dir, moved, err := s.detach(ctx)
	if dir != "" {
		err = errors.Join(err, os.RemoveAll(dir))
		s.keepReserve()
	}
	return moved, err
}

// detach moves garbage into a directory of its own, which a sweep removes if this process does not. After an error it
// returns what was moved before that.
func (s *Store) detach(ctx context.Context) (dir string, moved Collected, err error) {
	lock, err := acquire(ctx, s.path("lock"), nil)
	if err != nil {
		return "", moved, err
	}
	defer lock.Close()
	m, claimed, err := s.marked()
	if err != nil {
		return "", moved, err
	}
	g, err := s.garbage(m, claimed)
	if err != nil {
		return "", moved, err
	}
	s.layers.keep(m.layers)
	s.trees.keep(m.trees)
	if len(g.items) == 0 {
		return "", moved, nil
	}
	err = s.withReserve(func() (err error) {
		dir, err = s.scratch.mkdir()
		return err
	})
	if err != nil {
		return "", moved, err
	}
	moved, err = s.move(g, dir)
	return dir, moved, err
}

// move moves garbage into dir, which grows with it: a full disk may need the reserve.
func (s *Store) move(g *garbage, dir string) (moved Collected, err error) {
	for i, item := range g.items {
		err := s.withReserve(func() error { return os.Rename(item.path, filepath.Join(dir, strconv.Itoa(i))) })
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody else was faster
		}
		if err != nil {
			return moved, err
		}
		moved.add(item)
	}
	return moved, nil
}

func (c *Collected) add(item item) {
	c.Bytes += item.bytes
	if item.blob != "" {
		c.Blobs = append(c.Blobs, item.blob)
	}
	if item.layer != "" {
		c.Layers = append(c.Layers, item.layer)
	}
}

// marked returns what is to be kept, and what of it is claimed. The caller holds ROOT/lock.
func (s *Store) marked() (*marks, map[string]bool, error) {
	_, v, err := s.reload()
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	claimed, err := s.claimed()
	if err != nil {
		return nil, nil, err
	}
	inUse, err := s.containerImages()
	if err != nil {
		return nil, nil, err
	}
	cached, err := s.cachedLayers()
	if err != nil {
		return nil, nil, err
	}
	m := newMarks(v)
	m.index(v.catalog.index)
	for _, id := range inUse {
		m.first(id)
	}
	m.claims(claimed)
	m.cached(cached)
	return m, claimed, m.pins()
}
