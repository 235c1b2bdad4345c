package store

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// AddLayer is StageLayer and Commit.
func (s *Store) AddLayer(ctx context.Context, c *Claim, stream io.Reader) (ocispec.Descriptor, digest.Digest, error) {
	l, err := s.StageLayer(ctx, stream)
	if err == nil {
		err = l.Commit(ctx, c)
	}
	if err != nil {
		return ocispec.Descriptor{}, "", err
	}
	return l.Descriptor, l.DiffID, nil
}

// Commit stores the layer, claimed by c. What is stored already is not stored twice: if the store has a layer of that
// diffID, Descriptor becomes that of a blob of it which is there. After an error the layer is given up.
func (l *StagedLayer) Commit(ctx context.Context, c *Claim) error {
	err := l.commit(ctx, c)
	if failed := l.Discard(); err == nil {
		err = failed
	}
	return err
}

func (l *StagedLayer) commit(ctx context.Context, c *Claim) error {
	if err := c.Add(ctx, l.digests()...); err != nil {
		return err
	}
	if known, err := l.store.FindLayer(l.DiffID); err == nil {
		if err := c.Add(ctx, known.Digest); err != nil {
			return err
		}
		if l.store.HasBlob(known.Digest) {
			l.Descriptor = known
			return nil
		}
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	if err := l.commitLarge(); err != nil {
		return err
	}
	if err := l.commitBlob(); err != nil {
		return err
	}
	return l.store.commitLayer(ctx, l.dir, l.DiffID)
}

func (l *StagedLayer) digests() []digest.Digest {
	digests := []digest.Digest{l.DiffID, l.Descriptor.Digest}
	for _, f := range l.large {
		digests = append(digests, f.digest)
	}
	return digests
}

// commitLarge gives the large files, which are synced, their names, where no other layer has them.
func (l *StagedLayer) commitLarge() error {
	if len(l.large) == 0 {
		return nil
	}
	dir := l.store.path("files", "sha256")
	if err := makeDir(dir); err != nil {
		return err
	}
	for _, f := range l.large {
		path := filepath.Join(dir, f.digest.Encoded())
		if hasSize(path, f.size) {
			continue // Discard removes ours
		}
		if err := os.Rename(f.path, path); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// commitBlob gives the blob, which is synced, its name, after its checksums.
func (l *StagedLayer) commitBlob() error {
	path, err := l.store.blobPath(l.Descriptor.Digest)
	if err != nil {
		return err
	}
	if l.sums.size > blockSize {
		sums := l.store.path("checksums", "sha256", l.Descriptor.Digest.Encoded())
		if err := l.store.writeFile(sums, l.sums.marshal()); err != nil {
			return err
		}
	}
	if hasSize(path, l.sums.size) {
		return nil
	}
	return rename(l.blob, path)
}
