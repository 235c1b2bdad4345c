package store

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// FindLayer returns a blob the store has of layer diffID, which is unpacked, or ErrNotFound. It stays as long
// as it is claimed, if it is found again after that.
func (s *Store) FindLayer(diffID digest.Digest) (ocispec.Descriptor, error) {
	if err := checkDigest(diffID); err != nil {
		return ocispec.Descriptor{}, err
	}
	missing := fmt.Errorf("layer %s: %w", diffID, ErrNotFound)
	if !s.hasLayer(diffID) {
		return ocispec.Descriptor{}, missing
	}
	blobs, err := s.blobsOf(diffID)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	for _, blob := range blobs {
		if s.HasBlob(blob.Digest) {
			return blob, nil
		}
	}
	return s.asBlob(diffID, missing)
}

// blobsOf are the blobs that published images had, or have, of a layer; those of the oldest image first.
func (s *Store) blobsOf(diffID digest.Digest) ([]ocispec.Descriptor, error) {
	if _, err := s.Refresh(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &s.catalog.numbers
	type known struct {
		image uint32
		blob  ocispec.Descriptor
	}
	var all []known
	for _, r := range n.byManifest {
		for k, number := range r.Chains {
			if n.byNumber[number].DiffID == diffID {
				all = append(all, known{r.Number, r.Layers[k]})
			}
		}
	}
	slices.SortFunc(all, func(a, b known) int {
		return cmp.Or(cmp.Compare(a.image, b.image), cmp.Compare(a.blob.Digest, b.blob.Digest))
	})
	blobs := make([]ocispec.Descriptor, len(all))
	for i, k := range all {
		blobs[i] = k.blob
	}
	return blobs, nil
}

// asBlob is the layer's tar as a blob; missing if it is not one.
func (s *Store) asBlob(diffID digest.Digest, missing error) (ocispec.Descriptor, error) {
	path, err := s.blobPath(diffID)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ocispec.Descriptor{}, missing
	}
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: diffID, Size: info.Size()}, nil
}
