package tree

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// writeLayout writes an OCI layout with one image, edge, whose layers are those tars.
func writeLayout(t *testing.T, dir string, tars [][]byte) {
	t.Helper()
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(mediaType string, data []byte) ocispec.Descriptor {
		d := digest.FromBytes(data)
		writeFile(t, filepath.Join(blobs, d.Encoded()), data)
		return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
	}
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	config := ocispec.Image{RootFS: ocispec.RootFS{Type: "layers"}}
	config.Architecture, config.OS = "amd64", "linux"
	for _, tar := range tars {
		l := put(ocispec.MediaTypeImageLayer, tar)
		manifest.Layers = append(manifest.Layers, l)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.Digest)
	}
	manifest.Config = put(ocispec.MediaTypeImageConfig, asJSON(t, config))
	top := put(ocispec.MediaTypeImageManifest, asJSON(t, manifest))
	top.Annotations = map[string]string{ocispec.AnnotationRefName: "edge"}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: []ocispec.Descriptor{top}}
	writeFile(t, filepath.Join(dir, ocispec.ImageIndexFile), asJSON(t, index))
	writeFile(t, filepath.Join(dir, ocispec.ImageLayoutFile), asJSON(t, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}))
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
