package archive

import (
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// annotationName is containerd's for a full name.
const annotationName = "io.containerd.image.name"

// NewOCI makes an OCI archive of images, without the layers of whose blobs leaveOut has the digest.
func NewOCI(s *store.Store, images []Saved, leaveOut ...digest.Digest) (*Archive, error) {
	b := newBuilder(s, leaveOut)
	b.json(ocispec.ImageLayoutFile, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	b.json(ocispec.ImageIndexFile, indexOf(images))
	for _, img := range images {
		b.descriptor(img.Image.Manifest)
	}
	for _, img := range images {
		b.descriptor(img.Image.Config)
	}
	for _, img := range images {
		for _, layer := range img.Image.Layers {
			b.descriptor(layer)
		}
	}
	return b.finish()
}

func (b *builder) descriptor(desc ocispec.Descriptor) {
	b.blob(blobName(desc.Digest), desc.Digest, desc.Size)
}

func blobName(d digest.Digest) string {
	return ocispec.ImageBlobsDir + "/" + d.Algorithm().String() + "/" + d.Encoded()
}

// indexOf has a descriptor for each name of each image.
func indexOf(images []Saved) ocispec.Index {
	index := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{},
	}
	for _, img := range images {
		desc := img.Image.Manifest
		desc.Annotations = nil
		named := tags(img.Names)
		for _, tagged := range named {
			desc.Annotations = map[string]string{ocispec.AnnotationRefName: tagged.String(), annotationName: tagged.String()}
			index.Manifests = append(index.Manifests, desc)
		}
		if len(named) == 0 {
			index.Manifests = append(index.Manifests, desc)
		}
	}
	return index
}
