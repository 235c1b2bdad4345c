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
	manifests := make([]written, len(images))
	for i, img := range images {
		manifests[i] = b.manifest(img.Image)
	}
	b.json(ocispec.ImageIndexFile, indexOf(images, manifests))
	for _, m := range manifests {
		if m.raw == nil {
			b.descriptor(m.Descriptor)
		} else {
			b.document(blobName(m.Digest), m.raw)
		}
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

// written is the manifest of an image in an archive; raw is nil if it is a blob of the store.
type written struct {
	ocispec.Descriptor
	raw []byte
}

func (b *builder) manifest(img *store.Image) written {
	desc, raw, err := ociManifest(img)
	if err != nil {
		b.fail(err)
	}
	return written{desc, raw}
}

// indexOf has a descriptor for each name of each image.
func indexOf(images []Saved, manifests []written) ocispec.Index {
	index := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{},
	}
	for i, img := range images {
		desc := manifests[i].Descriptor
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
