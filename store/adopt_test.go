package store_test

import (
	"os"
	"strings"
	"testing"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// layout writes an image layout of images whose blobs are all there, and nothing else.
func layout(t *testing.T, dir string, images ...storetest.Image) {
	t.Helper()
	if err := os.MkdirAll(dir+"/blobs/sha256", 0o755); err != nil {
		t.Fatal(err)
	}
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}
	index.SchemaVersion = 2
	files := map[string][]byte{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	for _, img := range images {
		index.Manifests = append(index.Manifests, img.Descriptor)
		files["blobs/sha256/"+img.ID.Encoded()] = img.Config
		files["blobs/sha256/"+img.Descriptor.Digest.Encoded()] = img.Manifest
		for _, l := range img.Layers {
			files["blobs/sha256/"+l.Descriptor.Digest.Encoded()] = l.Blob
		}
	}
	files["index.json"] = marshal(t, index)
	for name, data := range files {
		if err := os.WriteFile(dir+"/"+name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAdoptLeavesOutWhatItCannotUnpack(t *testing.T) {
	tar := layertest.Tar(t, layertest.File("f", "1"))
	good := storetest.NewImage(t, storetest.Gzip(t, tar), storetest.Zstd(t, tar))
	withDiffIDs := func(ids ...digest.Digest) storetest.Image {
		config := ocispec.Image{RootFS: ocispec.RootFS{Type: "layers", DiffIDs: ids}}
		return storetest.NewImageWithConfig(t, config, storetest.Gzip(t, tar))
	}
	notTar := storetest.NewImage(t, storetest.Gzip(t, []byte(noise(2000, 1))))
	wrong := withDiffIDs(digest.FromString("x"))
	dir := t.TempDir()
	layout(t, dir, withDiffIDs(), withDiffIDs("../../x"), wrong, good, notTar)

	s := storetest.Open(t, dir)
	err := s.Adopt(t.Context())
	if !isDigest(err) || !isFormat(err) || !strings.Contains(err.Error(), "0 diffIDs for 1 layers") {
		t.Errorf("adopt: %v", err)
	}
	snap := s.Snapshot()
	if len(snap.Images) != 1 || snap.Images[0].ID != good.ID || len(snap.References) != 0 {
		t.Errorf("images %v", snap.Images)
	}
	if snap.Images[0].Number < 1000 {
		t.Errorf("number %d in a root whose numbers may be lost", snap.Images[0].Number)
	}
	if err := s.Adopt(t.Context()); err == nil || s.Snapshot() != snap {
		t.Errorf("the second time: %v", err)
	}
}

func TestPublishedImageIsListedWhateverIsDamaged(t *testing.T) {
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", "1"))))
	x := storetest.NewIndex(t, img.Descriptor)
	for name, d := range map[string]digest.Digest{
		"index": x.Descriptor.Digest, "manifest": img.Descriptor.Digest, "config": img.ID, "layer": img.Layers[0].Descriptor.Digest,
	} {
		t.Run(name, func(t *testing.T) {
			s := storetest.New(t)
			x.Publish(t, s, "docker.io/library/box:1", img)
			damage(t, blobFile(s, d), 5)
			s = storetest.Open(t, s.Dir())
			ref := s.Snapshot().Reference("docker.io/library/box:1")
			if ref == nil || len(ref.Images) != 1 || ref.Images[0].ID != img.ID {
				t.Fatalf("reference %v", ref)
			}
			if _, err := s.Blob(d); !isCorrupt(err) {
				t.Errorf("the damaged blob: %v", err)
			}
			if err := os.Remove(blobFile(s, d)); err != nil {
				t.Fatal(err)
			}
			none := storetest.Open(t, s.Dir()).Snapshot()
			if ref := none.Reference("docker.io/library/box:1"); ref == nil || len(ref.Images) != 0 {
				t.Errorf("without the blob: %v", ref)
			}
		})
	}
}
