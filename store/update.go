package store

import (
	"context"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Change is one change of the references.
type Change struct {
	Name   string              // given to Target (as Publication's, but without the name by digest), or taken away
	Target *ocispec.Descriptor // nil takes Name away: what it led to stays, without a name if it has no other
	Remove digest.Digest       // instead: the ID of an image; every entry of index.json that leads to it goes
}

// Update changes references. It calls decide with the state that is on disk, which a lock keeps as it is until the changes
// decide returns are written, all at once. It returns the state after that; an error of decide changes nothing.
func (s *Store) Update(ctx context.Context, decide func(*Snapshot) ([]Change, error)) (*Snapshot, error) {
	panic("stub")
}

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
