package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/layer"
)

// maxDocument is how large a manifest, an index or a config may be, in bytes.
const maxDocument = 16 << 20

// Blob returns the whole of a small blob (a manifest, an index, a config), checked against its digest. ErrNotFound;
// a blob that does not match is a [*layer.CorruptError].
func (s *Store) Blob(d digest.Digest) ([]byte, error) {
	path, err := s.blobPath(d)
	if err != nil {
		return nil, err
	}
	data, err := readRegular(path, maxDocument)
	if err != nil {
		return nil, blobError(d, err)
	}
	return data, checkBlob(path, d, data)
}

// PutBlob stores a small blob durably. A *DigestError if data is not d's.
func (s *Store) PutBlob(d digest.Digest, data []byte) error {
	path, err := s.blobPath(d)
	if err != nil {
		return err
	}
	if got := d.Algorithm().FromBytes(data); got != d {
		return &DigestError{What: "blob", Want: d, Got: got}
	}
	if _, err := s.Blob(d); err == nil {
		return nil
	}
	return s.writeFile(path, data)
}

// HasBlob tells whether the blob d is stored whole.
func (s *Store) HasBlob(d digest.Digest) bool {
	path, err := s.blobPath(d)
	return err == nil && isRegular(path)
}

// BlobSize is how large the blob d is that is stored, in bytes; ErrNotFound. Nothing of it is read.
func (s *Store) BlobSize(d digest.Digest) (int64, error) {
	path, err := s.blobPath(d)
	if err != nil {
		return 0, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return 0, blobError(d, err)
	}
	return info.Size(), nil
}

// LinkBlob gives the blob d a name in the OCI image layout at dir, for another program to read it there; ErrNotFound. What
// is done to that name does nothing to the blob, which stays as long as the name does.
func (s *Store) LinkBlob(d digest.Digest, dir string) error {
	path, err := s.blobPath(d)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	if err := os.Link(path, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return blobError(d, err)
	}
	return nil
}

// blobPath is where blob d is, or would be. No digest of a foreign layout becomes a path without it.
func (s *Store) blobPath(d digest.Digest) (string, error) {
	if err := checkDigest(d); err != nil {
		return "", err
	}
	return s.path(ocispec.ImageBlobsDir, "sha256", d.Encoded()), nil
}

func checkDigest(d digest.Digest) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("digest %q: %w", d, err)
	}
	if d.Algorithm() != digest.SHA256 {
		return fmt.Errorf("digest %q: %w", d, digest.ErrDigestUnsupported)
	}
	return nil
}

func checkBlob(path string, d digest.Digest, data []byte) error {
	if got := digest.FromBytes(data); got != d {
		return &layer.CorruptError{Path: path, Detail: "its sha256 is " + got.Encoded()}
	}
	return nil
}

func blobError(d digest.Digest, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob %s: %w", d, ErrNotFound)
	}
	return err
}

func isRegular(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}
