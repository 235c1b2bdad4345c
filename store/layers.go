package store

import (
	"context"
	"os"
	"path/filepath"

	digest "github.com/opencontainers/go-digest"
)

// HasLayer tells whether the layer is unpacked and, where its payloads are in its blob, whether that is there.
func (s *Store) HasLayer(diffID digest.Digest) bool {
	return checkDigest(diffID) == nil && s.hasLayer(diffID)
}

func (s *Store) hasLayer(diffID digest.Digest) bool {
	info, err := os.Lstat(s.layerPath(diffID))
	if err != nil || !info.IsDir() {
		return false
	}
	return s.HasBlob(diffID) || isRegular(filepath.Join(s.layerPath(diffID), "pack"))
}

func (s *Store) layerPath(diffID digest.Digest) string { return s.path("layers", diffID.Encoded()) }

// layerIndex is the file by which one unpacking of a layer is told from another.
func (s *Store) layerIndex(name string) string { return s.path("layers", name, "index") }

// commitLayer gives the layer that was unpacked into dir its name, unless another was faster. The lock keeps two that
// commit one layer from taking each other's for one whose payloads are lost.
func (s *Store) commitLayer(ctx context.Context, dir string, diffID digest.Digest) error {
	if err := syncDir(dir); err != nil {
		return err
	}
	lock, err := acquire(ctx, s.path("lock"), nil)
	if err != nil {
		return err
	}
	defer lock.Close()
	if s.hasLayer(diffID) {
		return nil
	}
	path := s.layerPath(diffID)
	if err := os.RemoveAll(path); err != nil { // its payloads were in a blob that is lost
		return err
	}
	return rename(dir, path)
}
