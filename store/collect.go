package store

import (
	"context"

	digest "github.com/opencontainers/go-digest"
)

// Collected is what a collection has removed, or would.
type Collected struct {
	Blobs  []digest.Digest // of images that were published: manifests, indexes, configs, layers
	Layers []digest.Digest // diffIDs
	Bytes  int64           // that the root is smaller by, as du counts it
}

// Collect removes from the disk what nothing references, claims or pins, and says what that was.
func (s *Store) Collect(ctx context.Context) (Collected, error) { panic("stub") }

// Reclaimable is what Collect would remove if the images ids were not there; it changes nothing.
func (s *Store) Reclaimable(ctx context.Context, ids ...digest.Digest) (Collected, error) {
	panic("stub")
}
