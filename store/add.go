package store

import (
	"context"
	"io"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// StagedLayer is a layer that was read whole and is not stored yet.
type StagedLayer struct {
	Descriptor ocispec.Descriptor // of the blob: an OCI layer, compressed as the stream was
	DiffID     digest.Digest
}

// StageLayer reads a layer of which nothing is known beforehand, a tar that may be compressed with gzip or zstd, in one
// pass: an uncompressed one becomes its own pack. A corrupt stream is a [*layer.FormatError]. Nothing is to be seen of it
// until it is committed.
func (s *Store) StageLayer(ctx context.Context, stream io.Reader) (*StagedLayer, error) {
	panic("stub")
}

// Commit stores the layer, claimed by c; what is stored already is not stored twice: if the store has a layer of that
// diffID, Descriptor becomes that of a blob of it which is there. Discard gives it up, and does nothing after Commit.
func (l *StagedLayer) Commit(ctx context.Context, c *Claim) error { panic("stub") }

// Discard removes what was staged.
func (l *StagedLayer) Discard() error { panic("stub") }

// AddLayer is StageLayer and Commit.
func (s *Store) AddLayer(ctx context.Context, c *Claim, stream io.Reader) (ocispec.Descriptor, digest.Digest, error) {
	panic("stub")
}

// FindLayer returns a blob the store has of layer diffID, or ErrNotFound.
func (s *Store) FindLayer(diffID digest.Digest) (ocispec.Descriptor, error) { panic("stub") }

// PutImage makes a manifest of a config and its layers, which are stored, base first, and publishes it under names (full
// and normalised; none keeps the image without a name). Names get no name by digest beside them, as docker does of what was
// not pulled. If an image with that config is published, its manifest stays what it was.
func (s *Store) PutImage(ctx context.Context, c *Claim, config []byte, layers []ocispec.Descriptor, names ...string) (*Image, error) {
	panic("stub")
}

// SetCompressed remembers that blob, which is stored, is layer diffID compressed, so that the next push has the same
// digest; Compressed returns it, or ErrNotFound. It is derived: it is collected with the layer.
func (s *Store) SetCompressed(diffID digest.Digest, blob ocispec.Descriptor) error { panic("stub") }

// Compressed returns what SetCompressed remembered, if the blob is still there; else ErrNotFound.
func (s *Store) Compressed(diffID digest.Digest) (ocispec.Descriptor, error) { panic("stub") }
