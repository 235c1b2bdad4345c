package store_test

import (
	"bytes"
	"testing"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// Skopeo and umoci, which ask index.json for OCI's own media types, do not find such an image by its name.
func TestSchema2(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", "1")))).Schema2()
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
