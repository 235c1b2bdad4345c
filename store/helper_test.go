package store_test

import (
	"path/filepath"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

func blobFile(s *store.Store, d digest.Digest) string {
	return filepath.Join(s.Dir(), "blobs", "sha256", d.Encoded())
}
