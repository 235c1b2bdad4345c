package store

import (
	"context"
	"encoding/json"
	"fmt"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PutImage makes a manifest of a config and its layers, which are stored, base first, and publishes it under names (full
// and normalised; none keeps the image without a name). Names get no name by digest beside them, as docker does of what was
// not pulled. If an image with that config is published, its manifest stays what it was.
func (s *Store) PutImage(ctx context.Context, c *Claim, config []byte, layers []ocispec.Descriptor, names ...string) (*Image, error) {
	id := digest.FromBytes(config)
	if err := c.Add(ctx, id); err != nil {
		return nil, err
	}
	before, err := s.Refresh()
	if err != nil {
		return nil, err
	}
	target, err := s.putManifest(ctx, c, before.Image(id), config, layers)
	if err != nil {
		return nil, err
	}
	d, err := s.prepare(ctx, c, target, target)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", id, err)
	}
	changes := []Change{{Target: &target}}
	for _, name := range names {
		changes = append(changes, Change{Name: name, Target: &target})
	}
	if len(names) > 0 {
		changes = changes[1:]
	}
	snap, err := s.commit(ctx, before, changes, []*draft{d})
	if err != nil {
		return nil, err
	}
	if img := snap.Image(id); img != nil {
		return img, nil
	}
	return nil, fmt.Errorf("image %s: %w any more", id, ErrNotFound)
}

// putManifest returns the manifest of an image: its own, or, if that may have gone, the one of layers, which it stores.
func (s *Store) putManifest(ctx context.Context, c *Claim, published *Image, config []byte, layers []ocispec.Descriptor) (ocispec.Descriptor, error) {
	if published != nil {
		if err := c.Add(ctx, published.digests()...); err != nil {
			return ocispec.Descriptor{}, err
		}
		snap, err := s.Refresh()
		if err != nil || snap.Image(published.ID) == published {
			return published.Manifest, err
		}
	}
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    describe(ocispec.MediaTypeImageConfig, config),
		Layers:    append([]ocispec.Descriptor{}, layers...),
	}
	raw, err := json.Marshal(manifest)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	target := describe(ocispec.MediaTypeImageManifest, raw)
	if err := c.Add(ctx, target.Digest); err != nil {
		return target, err
	}
	if err := s.PutBlob(manifest.Config.Digest, config); err != nil {
		return target, err
	}
	return target, s.PutBlob(target.Digest, raw)
}

func describe(mediaType string, blob []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(blob), Size: int64(len(blob))}
}
