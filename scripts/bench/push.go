package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/imagefs/imagefs/scripts/peers"
)

// comparePush: an image in the store to an empty registry.
func comparePush(ctx context.Context, l *lab) error {
	if err := l.mount.pull(l.debian); err != nil {
		return err
	}
	if _, err := l.docker.Run(ctx, "pull", "-q", l.debian); err != nil {
		return err
	}
	var target string
	var registry *peers.Registry
	close := func() {
		if registry != nil {
			registry.Close()
		}
	}
	defer func() { close() }()
	started := 0
	// Each push has a registry of its own, and a name for the image there.
	empty := func(tag func(target string) error) func() error {
		return func() (err error) {
			close()
			started++
			if registry, err = peers.StartRegistry(filepath.Join(l.dir, fmt.Sprint("empty", started))); err != nil {
				return err
			}
			target = registry.Addr + "/demo/pushed:1"
			return tag(target)
		}
	}
	return l.race(
		contender{"imagefs push", empty(func(target string) error {
			return l.mount.imagefs(ctx, "tag", l.debian, target)
		}), func() error { return l.mount.imagefs(ctx, "push", "-q", target) }},
		contender{"docker push", empty(func(target string) error {
			_, err := l.docker.Run(ctx, "tag", l.debian, target)
			return err
		}), func() error {
			_, err := l.docker.Run(ctx, "push", "-q", target)
			return err
		}},
	)
}
