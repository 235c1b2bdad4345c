package imagefs

import (
	"context"
	"slices"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
)

// publish stores the manifests and configs of images whose layers are stored, and then names them. As docker, it keeps
// the digest as a name of its own: it stays when the tag moves on.
func (p *pull) publish(ctx context.Context, ref reference.Named, target registry.Manifest, images []remoteImage) ([]*store.Image, error) {
	blobs := []registry.Manifest{target}
	var manifests []ocispec.Descriptor
	for _, img := range images {
		blobs = append(blobs, img.manifest, registry.Manifest{Descriptor: *img.doc.Config, Raw: img.configRaw})
		manifests = append(manifests, img.manifest.Descriptor)
	}
	for _, b := range blobs {
		if err := p.store.PutBlob(b.Descriptor.Digest, b.Raw); err != nil {
			return nil, err
		}
	}
	names, err := namesOf(ref, target)
	if err != nil {
		return nil, err
	}
	var publications []store.Publication
	for _, name := range names {
		publications = append(publications, store.Publication{Name: name, Target: target.Descriptor, Manifests: manifests})
	}
	stored, err := p.store.Publish(ctx, publications...)
	if err != nil {
		return nil, err
	}
	return stored[:len(manifests)], nil // the same for each name
}

// namesOf returns the reference itself and, for a tag, that of its digest.
func namesOf(ref reference.Named, target registry.Manifest) ([]string, error) {
	canonical, err := reference.WithDigest(reference.TrimNamed(ref), target.Descriptor.Digest)
	if err != nil {
		return nil, err
	}
	return slices.Compact([]string{ref.String(), canonical.String()}), nil
}
