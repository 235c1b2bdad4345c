package e2e

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// busyboxWith pushes the busybox image with one more layer of so many incompressible bytes, and returns its name.
func busyboxWith(t *testing.T, size int) string {
	t.Helper()
	base, err := remote.Image(parse(t, busybox(t)))
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, size)
	random := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16), byte(size >> 24)})
	if _, err := random.Read(content); err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(base, tarLayer(t, &tar.Header{Name: "noise", Mode: 0o644, Size: int64(size)}, content))
	if err != nil {
		t.Fatal(err)
	}
	return push(t, img, fmt.Sprintf("demo/noise:%d", size))
}

// tarLayer is a layer of one file.
func tarLayer(t *testing.T, h *tar.Header, content []byte) v1.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return rawLayer(t, b.Bytes())
}

// rawLayer is a layer of a tar as it stands.
func rawLayer(t *testing.T, tar []byte, options ...tarball.LayerOption) v1.Layer {
	t.Helper()
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tar)), nil }, options...)
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

// imageOf is an image of these layers, for this platform.
func imageOf(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

// push pushes an image to the shared registry and returns its whole name.
func push(t *testing.T, img v1.Image, path string) string {
	t.Helper()
	if err := startRegistry(); err != nil {
		t.Fatal(err)
	}
	full := shared.registry.Addr + "/" + path
	if err := remote.Write(parse(t, full), img); err != nil {
		t.Fatal(err)
	}
	return full
}

func parse(t *testing.T, image string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
