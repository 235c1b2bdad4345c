package archive

import (
	"encoding/json"
	"slices"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// schema2 is the media type of docker's image manifest version 2, schema 2.
const schema2 = "application/vnd.docker.distribution.manifest.v2+json"

// ociTypes are OCI's media types for docker's of layers.
var ociTypes = map[string]string{
	"application/vnd.docker.image.rootfs.diff.tar":              ocispec.MediaTypeImageLayer,
	"application/vnd.docker.image.rootfs.diff.tar.gzip":         ocispec.MediaTypeImageLayerGzip,
	"application/vnd.docker.image.rootfs.diff.tar.zstd":         ocispec.MediaTypeImageLayerZstd,
	"application/vnd.docker.image.rootfs.foreign.diff.tar":      "application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
}

// ociManifest returns the descriptor of an image's manifest for an archive, and its bytes if they are not the store's: a
// manifest of docker's is written as OCI's, of the same config and layers, because umoci, and skopeo by name, look for no
// other. So the image's ID stays, and its manifest's digest does not.
func ociManifest(img *store.Image) (ocispec.Descriptor, []byte, error) {
	desc := img.Manifest
	desc.Annotations = nil
	if desc.MediaType != schema2 {
		return desc, nil, nil
	}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: img.Config, Layers: slices.Clone(img.Layers),
	}
	m.Config.MediaType = ocispec.MediaTypeImageConfig
	for i, layer := range m.Layers {
		if mediaType, ok := ociTypes[layer.MediaType]; ok {
			m.Layers[i].MediaType = mediaType
		}
	}
	raw, err := json.Marshal(m)
	return ocispec.Descriptor{
		MediaType: m.MediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw)), Platform: desc.Platform,
	}, raw, err
}
