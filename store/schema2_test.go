package store_test

import (
	"bytes"
	"testing"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// schema2 is the image as docker's registries have it.
func schema2(img storetest.Image) storetest.Image {
	for old, new := range map[string]string{
		ocispec.MediaTypeImageManifest:  "application/vnd.docker.distribution.manifest.v2+json",
		ocispec.MediaTypeImageConfig:    "application/vnd.docker.container.image.v1+json",
		ocispec.MediaTypeImageLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
	} {
		img.Manifest = bytes.ReplaceAll(img.Manifest, []byte(`"`+old+`"`), []byte(`"`+new+`"`))
	}
	img.Descriptor.MediaType = "application/vnd.docker.distribution.manifest.v2+json"
	img.Descriptor.Digest, img.Descriptor.Size = digest.FromBytes(img.Manifest), int64(len(img.Manifest))
	return img
}

// Skopeo and umoci, which ask index.json for OCI's own media types, do not find such an image by its name.
func TestSchema2(t *testing.T) {
	s := storetest.New(t)
	img := schema2(storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", "1")))))
	list := storetest.NewIndex(t, img.Descriptor)
	list.Raw = bytes.ReplaceAll(list.Raw, []byte(ocispec.MediaTypeImageIndex), []byte("application/vnd.docker.distribution.manifest.list.v2+json"))
	list.Descriptor.MediaType = "application/vnd.docker.distribution.manifest.list.v2+json"
	list.Descriptor.Digest, list.Descriptor.Size = digest.FromBytes(list.Raw), int64(len(list.Raw))
	published := list.Publish(t, s, "docker.io/library/box:1", img)[0]
	if published.ID != img.ID || published.Manifest.MediaType != img.Descriptor.MediaType {
		t.Errorf("published %v", published)
	}
	if raw, err := s.Blob(published.Index.Digest); err != nil || !bytes.Equal(raw, list.Raw) {
		t.Errorf("list %s, %v", raw, err)
	}
	again := storetest.Open(t, s.Dir()).Snapshot()
	if ref := again.Reference("docker.io/library/box:1"); ref == nil || len(ref.Images) != 1 || ref.Images[0].ID != img.ID {
		t.Errorf("reference %v", ref)
	}
}
