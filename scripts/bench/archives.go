package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/imagefs/imagefs/scripts/peers"
)

// compareSave: an image in the store to an archive in a file.
func compareSave(ctx context.Context, l *lab) error {
	podman := l.podman()
	defer l.endPodman(ctx)
	if err := l.mount.pull(l.debian); err != nil {
		return err
	}
	if err := shell(ctx, podman+"pull -q --tls-verify=false "+l.debian); err != nil {
		return err
	}
	if _, err := l.docker.Run(ctx, "pull", "-q", l.debian); err != nil {
		return err
	}
	archive := filepath.Join(l.dir, "saved.tar")
	defer os.Remove(archive)
	fresh := func() error { return os.RemoveAll(archive) }
	return l.race(
		contender{"imagefs save -o", fresh, func() error { return l.mount.imagefs(ctx, "save", "-o", archive, l.debian) }},
		contender{"docker save -o", fresh, func() error {
			_, err := l.docker.Run(ctx, "save", "-o", archive, l.debian)
			return err
		}},
		contender{"podman save -o", fresh, func() error { return shell(ctx, podman+"save -q -o "+archive+" "+l.debian) }},
	)
}

// compareLoad: an archive that docker saved to an image in an empty store.
func compareLoad(ctx context.Context, l *lab) error {
	podman := l.podman()
	defer l.endPodman(ctx)
	archive := filepath.Join(l.dir, "saved.tar")
	defer os.Remove(archive)
	if _, err := l.docker.Run(ctx, "pull", "-q", l.debian); err != nil {
		return err
	}
	if _, err := l.docker.Run(ctx, "save", "-o", archive, l.debian); err != nil {
		return err
	}
	root := filepath.Join(l.dir, "loaded")
	return l.race(
		contender{"imagefs load -i", func() error { return os.RemoveAll(root) }, func() error {
			_, err := peers.Run(ctx, "bin/imagefs", "load", "--root", root, "-q", "-i", archive)
			return err
		}},
		contender{"docker load -i", func() error { return l.emptyDocker(ctx) }, func() error {
			_, err := l.docker.Run(ctx, "load", "-q", "-i", archive)
			return err
		}},
		contender{"podman load -i", func() error { return shell(ctx, podman+"rmi -af") }, func() error {
			return shell(ctx, podman+"load -q -i "+archive)
		}},
	)
}

// emptyDocker removes docker's images.
func (l *lab) emptyDocker(ctx context.Context) error {
	_, err := l.docker.Run(ctx, "image", "prune", "-af")
	return err
}
