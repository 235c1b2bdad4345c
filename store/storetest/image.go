// Package storetest makes images for tests of what is built on a store.
//
//	base := storetest.Gzip(t, layertest.Tar(t, layertest.File("etc/hostname", "box")))
//	img := storetest.NewImage(t, base)
//	published := img.Publish(t, s, "docker.io/library/box:latest")
package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// Layer is a layer as a registry serves it.
type Layer struct {
	Descriptor ocispec.Descriptor
	DiffID     digest.Digest
	Blob       []byte
}

// Tar is a layer whose blob is the tar stream itself.
func Tar(tar []byte) Layer { return newLayer(ocispec.MediaTypeImageLayer, tar, tar) }

// Gzip is a layer whose blob is compressed with gzip.
func Gzip(t testing.TB, tar []byte) Layer {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	compress(t, w, tar)
	return newLayer(ocispec.MediaTypeImageLayerGzip, b.Bytes(), tar)
}

// Zstd is a layer whose blob is compressed with zstd.
func Zstd(t testing.TB, tar []byte) Layer {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	compress(t, w, tar)
	return newLayer(ocispec.MediaTypeImageLayerZstd, b.Bytes(), tar)
}

func compress(t testing.TB, w io.WriteCloser, data []byte) {
	t.Helper()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func newLayer(mediaType string, blob, tar []byte) Layer {
	return Layer{
		Descriptor: ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(blob), Size: int64(len(blob))},
		DiffID:     digest.FromBytes(tar),
		Blob:       blob,
	}
}

// Source gives the layer's blob.
func (l Layer) Source(_ context.Context, offset int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.Blob[offset:])), nil
}

// Ingest stores the layer.
func (l Layer) Ingest(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, l.Source, nil); err != nil {
		t.Fatalf("ingest: %v", err)
	}
}

// Image is an image as a registry serves it.
type Image struct {
	Descriptor ocispec.Descriptor // of the manifest, with the host's platform
	Manifest   []byte
	ID         digest.Digest // of the config
	Config     []byte
	Layers     []Layer
}

// NewImage is an OCI image of layers, base first, for the host's platform.
func NewImage(t testing.TB, layers ...Layer) Image {
	t.Helper()
	created := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	config := ocispec.Image{
		Created:  &created,
		Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{}},
	}
	for _, l := range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.DiffID)
	}
	return NewImageWithConfig(t, config, layers...)
}

// NewImageWithConfig is an OCI image with that config, whose DiffIDs are as they are.
func NewImageWithConfig(t testing.TB, config ocispec.Image, layers ...Layer) Image {
	t.Helper()
	img := Image{Config: encode(t, config), Layers: layers}
	img.ID = digest.FromBytes(img.Config)
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: img.ID, Size: int64(len(img.Config))},
		Layers:    []ocispec.Descriptor{},
	}
	for _, l := range layers {
		manifest.Layers = append(manifest.Layers, l.Descriptor)
	}
	img.Manifest = encode(t, manifest)
	img.Descriptor = ocispec.Descriptor{
		MediaType: manifest.MediaType, Digest: digest.FromBytes(img.Manifest), Size: int64(len(img.Manifest)),
		Platform: &config.Platform,
	}
	return img
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Schema2 is the image as docker's registries have it: with a manifest of its version 2, schema 2.
func (img Image) Schema2() Image {
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

// Put stores the image's blobs and layers, and publishes nothing.
func (img Image) Put(t testing.TB, s *store.Store) {
	t.Helper()
	for _, l := range img.Layers {
		l.Ingest(t, s)
	}
	put(t, s, img.ID, img.Config)
	put(t, s, img.Descriptor.Digest, img.Manifest)
}

// Publish stores the image and gives it a name.
func (img Image) Publish(t testing.TB, s *store.Store, name string) *store.Image {
	t.Helper()
	img.Put(t, s)
	return publish(t, s, store.Publication{
		Name: name, Target: img.Descriptor, Manifests: []ocispec.Descriptor{img.Descriptor},
	})[0]
}

// Index is an image index.
type Index struct {
	Descriptor ocispec.Descriptor
	Raw        []byte
}

// NewIndex is an index of manifests, whose descriptors should have a Platform.
func NewIndex(t testing.TB, manifests ...ocispec.Descriptor) Index {
	t.Helper()
	raw := encode(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: manifests,
	})
	return Index{
		Descriptor: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromBytes(raw), Size: int64(len(raw))},
		Raw:        raw,
	}
}

// Publish stores the index and those of its images, and gives it a name.
func (x Index) Publish(t testing.TB, s *store.Store, name string, images ...Image) []*store.Image {
	t.Helper()
	p := store.Publication{Name: name, Target: x.Descriptor}
	for _, img := range images {
		img.Put(t, s)
		p.Manifests = append(p.Manifests, img.Descriptor)
	}
	put(t, s, x.Descriptor.Digest, x.Raw)
	return publish(t, s, p)
}

func put(t testing.TB, s *store.Store, d digest.Digest, data []byte) {
	t.Helper()
	if err := s.PutBlob(d, data); err != nil {
		t.Fatalf("put blob: %v", err)
	}
}

func publish(t testing.TB, s *store.Store, p store.Publication) []*store.Image {
	t.Helper()
	images, err := s.Publish(t.Context(), p)
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return images
}
