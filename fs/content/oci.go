package content

import (
	"encoding/json"
	"slices"
	"syscall"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// ociTag is the name of the one reference of an image's own OCI layout: the one that umoci takes when it is given none.
const ociTag = "latest"

// ociChildren makes up the image layout of the OCI image specification's image-layout.md.
func (im *image) ociChildren() []child {
	return []child{
		im.subfolder(blobsFolder, ociFolder, "oci/blobs", im.blobsChildren),
		im.text(ociIndexFile, "oci/index.json", im.ociIndex),
		im.text(ociLayoutFile, "oci/oci-layout", constant([]byte(`{"imageLayoutVersion":"`+ocispec.ImageLayoutVersion+`"}`))),
	}
}

func (im *image) blobsChildren() []child {
	return []child{im.subfolder(sha256Folder, blobsFolder, "oci/blobs/sha256", im.blobs)}
}

// ociIndex leads to the manifest as it was pulled, so that it keeps its digest.
func (im *image) ociIndex(*store.Snapshot) ([]byte, error) {
	manifest := im.Manifest
	manifest.Annotations = map[string]string{ocispec.AnnotationRefName: ociTag}
	return json.Marshal(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{manifest},
	})
}

// digests are those of the image's blobs: the manifest, the config, and the layers, base first. A layer may come twice.
func (im *image) digests() []digest.Digest {
	all := []digest.Digest{im.Manifest.Digest, im.Config.Digest}
	for _, l := range im.Layers {
		all = append(all, l.Digest)
	}
	return all
}

// blobs are the children of oci/blobs/sha256.
func (im *image) blobs() []child {
	all := im.digests()
	var list []child
	for k, d := range all {
		if slices.Index(all, d) == k {
			list = append(list, im.raw(firstBlob+uint32(k), "oci/blobs/sha256/"+d.Encoded(), d))
		}
	}
	return list
}

// blob finds blob k of digests.
func (im *image) blob(k uint32) (node, error) {
	all := im.digests()
	if int64(k) >= int64(len(all)) {
		return nil, syscall.ESTALE
	}
	return im.raw(firstBlob+k, "oci/blobs/sha256/"+all[k].Encoded(), all[k]).node, nil
}
