package store_test

import (
	"path/filepath"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/storetest"
)

func blobFile(s *store.Store, d digest.Digest) string {
	return filepath.Join(s.Dir(), "blobs", "sha256", d.Encoded())
}

// digests returns the diffIDs of layers.
func digests(layers ...storetest.Layer) []digest.Digest {
	ids := make([]digest.Digest, len(layers))
	for k, l := range layers {
		ids[k] = l.DiffID
	}
	return ids
}
