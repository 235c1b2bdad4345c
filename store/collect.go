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

// Collect removes from the disk what nothing references, claims or pins and no working container stands on, and says what
// that was. What is derived may go at once; a blob or layer that no published image has had stays for a day. What this
// process has open of what is gone is closed when nobody uses it any more.
func (s *Store) Collect(ctx context.Context) (Collected, error) {
	dir, g, err := s.detach(ctx)
	if dir != "" {
		err = errors.Join(err, os.RemoveAll(dir))
		s.keepReserve()
	}
	return g.Collected, err
}

// detach moves garbage into a directory of its own, which a sweep removes if this process does not.
func (s *Store) detach(ctx context.Context) (dir string, g *garbage, err error) {
	g = &garbage{}
	lock, err := acquire(ctx, s.path("lock"), nil)
	if err != nil {
		return "", g, err
	}
	defer lock.Close()
	m, claimed, err := s.marked()
	if err != nil {
		return "", g, err
	}
	if g, err = s.garbage(m, claimed); err != nil {
		return "", &garbage{}, err
	}
	s.layers.keep(m.layers)
	s.trees.keep(m.trees)
	if len(g.paths) == 0 {
		return "", g, nil
	}
	err = s.withReserve(func() (err error) {
		dir, err = s.scratch.mkdir()
		return err
	})
	if err != nil {
		return "", &garbage{}, err
	}
	for i, path := range g.paths {
		err := os.Rename(path, filepath.Join(dir, strconv.Itoa(i)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return dir, &garbage{}, err
		}
	}
	return dir, g, nil
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
	m := newMarks(v)
	m.index(v.catalog.index)
	for _, id := range inUse {
		m.first(id)
	}
	m.claims(claimed)
	return m, claimed, m.pins()
}
