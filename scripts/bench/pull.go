package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/scripts/peers"
	"github.com/imagefs/imagefs/store/inflate"
)

// comparePull: from a registry to a root filesystem that can be read.
func comparePull(ctx context.Context, l *lab) error {
	layout := filepath.Join(l.dir, "layout")
	if _, err := peers.Run(ctx, "skopeo", "copy", "-q", "--src-tls-verify=false", "docker://"+l.debian, "oci:"+layout+":x"); err != nil {
		return err
	}
	layers, err := layersOf(layout)
	if err != nil {
		return err
	}
	podman := l.podman()
	defer l.endPodman(ctx)
	fresh := filepath.Join(l.dir, "fresh")
	var m *mount
	defer func() {
		if m != nil {
			m.close()
		}
	}()
	return l.race(
		contender{"imagefs: ctl/pull, then stat rootfs", func() (err error) {
			if m != nil {
				m.close()
			}
			if err := os.RemoveAll(fresh); err != nil {
				return err
			}
			m, err = startMount(ctx, fresh)
			return err
		}, func() error {
			if err := m.pull(l.debian); err != nil {
				return err
			}
			_, err := os.Stat(m.tag(l.debian, "rootfs", "usr", "bin", "perl"))
			return err
		}},
		contender{"store/inflate: gunzip the layers", nil, func() error {
			return gunzip(layers, func(r io.Reader) (io.Reader, error) { return inflate.NewReader(r) })
		}},
		contender{"klauspost/compress: gunzip the layers", nil, func() error {
			return gunzip(layers, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
		}},
		contender{"docker pull", func() error {
			_, err := l.docker.Run(ctx, "image", "rm", "-f", l.debian)
			if err == nil {
				_, err = l.docker.Run(ctx, "image", "prune", "-af")
			}
			return err
		}, func() error {
			_, err := l.docker.Run(ctx, "pull", "-q", l.debian)
			return err
		}},
		contender{"skopeo copy, umoci unpack", func() error {
			return shell(ctx, "rm -rf "+l.dir+"/u "+l.dir+"/bundle")
		}, func() error {
			return shell(ctx, "skopeo copy -q --src-tls-verify=false docker://"+l.debian+" oci:"+l.dir+"/u:x && umoci unpack --image "+l.dir+"/u:x "+l.dir+"/bundle")
		}},
		contender{"podman pull, podman image mount", func() error {
			return shell(ctx, podman+"image umount -af; "+podman+"rmi -af")
		}, func() error {
			return shell(ctx, podman+"pull -q --tls-verify=false "+l.debian+" && "+podman+"image mount "+l.debian)
		}},
	)
}

// layersOf returns the paths of the layers of the one image in an OCI layout.
func layersOf(layout string) ([]string, error) {
	var index ocispec.Index
	if err := readJSON(filepath.Join(layout, "index.json"), &index); err != nil {
		return nil, err
	}
	blob := func(d ocispec.Descriptor) string {
		return filepath.Join(layout, "blobs", d.Digest.Algorithm().String(), d.Digest.Encoded())
	}
	var manifest ocispec.Manifest
	if err := readJSON(blob(index.Manifests[0]), &manifest); err != nil {
		return nil, err
	}
	var paths []string
	for _, d := range manifest.Layers {
		paths = append(paths, blob(d))
	}
	return paths, nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

func gunzip(paths []string, decode func(io.Reader) (io.Reader, error)) error {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		r, err := decode(f)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
	}
	return nil
}
