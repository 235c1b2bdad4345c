package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// SetCompressed remembers that blob, which is stored, is layer diffID compressed, so that the next push has the same
// digest; Compressed returns it. It is derived: it is collected with the layer, and so is the blob, unless an image has it.
func (s *Store) SetCompressed(diffID digest.Digest, blob ocispec.Descriptor) error {
	if err := checkDigest(diffID); err != nil {
		return err
	}
	data, err := json.Marshal(blob)
	if err != nil {
		return err
	}
	return s.writeFile(s.compressedPath(diffID.Encoded()), seal(data))
}

// Compressed returns what SetCompressed remembered, if the blob is still there; else ErrNotFound.
func (s *Store) Compressed(diffID digest.Digest) (ocispec.Descriptor, error) {
	var none ocispec.Descriptor
	if err := checkDigest(diffID); err != nil {
		return none, err
	}
	blob, err := s.readCompressed(diffID.Encoded())
	if err != nil || !s.HasBlob(blob.Digest) {
		return none, fmt.Errorf("compressed layer %s: %w", diffID, ErrNotFound)
	}
	return blob, nil
}

func (s *Store) compressedPath(name string) string { return s.path("compressed", name) }

func (s *Store) readCompressed(name string) (blob ocispec.Descriptor, err error) {
	data, err := readRegular(s.compressedPath(name), maxDocument)
	if err == nil {
		data, err = unseal(data)
	}
	if err == nil {
		err = json.Unmarshal(data, &blob)
	}
	return blob, err
}

// compressed marks the blobs that marked layers are compressed as, and returns the records of the others.
func (m *marks) compressed() ([]string, error) {
	all, err := list(m.store.path("compressed"), func(e os.DirEntry) bool { return isHex(e.Name()) })
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !m.layers[name] || !m.view.layers[name] {
			names = append(names, name)
		} else if blob, err := m.store.readCompressed(name); err == nil {
			m.blob(blob.Digest)
		}
	}
	return names, nil
}
