package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/scripts/peers"
)

const many = 1000

// reportTags: tagging, untagging and listing, with a thousand images in the store.
func reportTags(ctx context.Context, l *lab) error {
	root, layout := filepath.Join(l.dir, "many"), filepath.Join(l.dir, "layout-many")
	defer os.RemoveAll(root)
	defer os.RemoveAll(layout)
	if err := writeImages(layout, many); err != nil {
		return err
	}
	imagefs := func(verb string, args ...string) func() error {
		return func() error {
			_, err := peers.Run(ctx, "bin/imagefs", append([]string{verb, "--root", root}, args...)...)
			return err
		}
	}
	if err := imagefs("load", "-q", "-i", layout)(); err != nil {
		return err
	}
	return l.race(
		contender{fmt.Sprintf("images, of %d", many), nil, imagefs("images")},
		contender{"tag", nil, imagefs("tag", "many/image:1", "many/image:new")},
		contender{"rmi of a tag", nil, imagefs("rmi", "many/image:new")},
	)
}

// writeImages makes an OCI layout of n images of one layer, each with a name.
func writeImages(dir string, n int) error {
	layer, err := oneFile()
	if err != nil {
		return err
	}
	base, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	config, err := base.ConfigFile()
	if err != nil {
		return err
	}
	var images []mutate.IndexAddendum
	for i := range n {
		config = config.DeepCopy()
		config.OS, config.Architecture, config.Author = "linux", "amd64", fmt.Sprint(i)
		img, err := mutate.ConfigFile(base, config)
		if err != nil {
			return err
		}
		images = append(images, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Annotations: map[string]string{
			"io.containerd.image.name": fmt.Sprintf("docker.io/many/image:%d", i),
			ocispec.AnnotationRefName:  fmt.Sprint(i),
		}}})
	}
	_, err = layout.Write(dir, mutate.AppendManifests(empty.Index, images...))
	return err
}

func oneFile() (v1.Layer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "file", Mode: 0o644}); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
}
