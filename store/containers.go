package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	digest "github.com/opencontainers/go-digest"
)

// containerImages are the images that working containers stand on: what builder/container has written into
// ROOT/containers/NAME/config.json. Containers are made under ROOT/lock. A container that cannot be read is an error: it
// may stand on anything.
func (s *Store) containerImages() (ids []digest.Digest, err error) {
	entries, err := os.ReadDir(s.path("containers"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue // on its way out
		}
		text, err := readRegular(s.path("containers", e.Name(), "config.json"), maxDocument)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var c struct{ Image digest.Digest }
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err != nil {
			return nil, fmt.Errorf("container %s: %w", e.Name(), err)
		}
		ids = append(ids, c.Image)
	}
	return ids, err
}

// InUse returns an image that a working container stands on, as the snapshot had it, if it is gone from the references;
// ErrNotFound.
func (s *Store) InUse(id digest.Digest) (*Image, error) {
	ids, err := s.containerImages()
	if err != nil {
		return nil, err
	}
	if img := s.removed(id); img != nil && slices.Contains(ids, id) {
		return img, nil
	}
	return nil, fmt.Errorf("image %s: %w", id, ErrNotFound)
}

// removed makes an image of its first record, whether anything of it is still there or not; nil if there is none.
func (s *Store) removed(id digest.Digest) *Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &view{catalog: &s.catalog, store: s}
	r := v.numbers.images[id]
	if r == nil {
		return nil
	}
	return v.make(r, v.chainsOf(r))
}
