package store_test

import (
	"os"
	"path/filepath"
	"testing"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// TestFilesAreFrozen fails when what processes of several versions share would change: see docs/format.md.
func TestFilesAreFrozen(t *testing.T) {
	s := storetest.New(t)
	tar := storetest.Tar(layertest.Tar(t, layertest.File("f", "1")))
	img := storetest.NewImageWithConfig(t, ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{tar.DiffID}},
	}, tar)
	img.Publish(t, s, box+":1")
	if err := claim(t, s).Add(t.Context(), img.ID, tar.DiffID); err != nil {
		t.Fatal(err)
	}
	setPins(t, openPins(t, s, lockPins(t, s, "mnt")), img.ID)
	blob := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.FromString("gz"), Size: 7}
	if err := s.SetCompressed(tar.DiffID, blob); err != nil {
		t.Fatal(err)
	}
	appendEvent(t, s, `{"Action":"pull"}`)
	for name, want := range map[string]string{
		"ingest/claim-*":                     img.ID.Encoded() + "\n" + tar.DiffID.Encoded() + "\n",
		"mounts/mnt":                         `2faef8b2 [{"id":"` + string(img.ID) + `","manifest":"` + string(img.Descriptor.Digest) + `"}]` + "\n",
		"compressed/" + tar.DiffID.Encoded(): `95163a85 {"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"` + string(blob.Digest) + `","size":7}` + "\n",
		"events":                             `{"Action":"pull"}` + "\n",
	} {
		paths, err := filepath.Glob(filepath.Join(s.Dir(), name))
		if err != nil || len(paths) != 1 {
			t.Errorf("%s: %q, %v", name, paths, err)
			continue
		}
		got, err := os.ReadFile(paths[0])
		if err != nil || string(got) != want {
			t.Errorf("%s (%v):\n%s\nwant:\n%s", name, err, got, want)
		}
	}
}
