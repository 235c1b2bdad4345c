package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/imagefs/imagefs/scripts/peers"
)

// compareDiff: `diff -r` of two images on one base, warm, beside two plain copies.
func compareDiff(ctx context.Context, l *lab) error {
	dir := filepath.Join(l.dir, "derived")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	dockerfile := "FROM " + l.debian + "\nRUN echo changed > /etc/motd && rm /etc/debian_version\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
		return err
	}
	derived := l.registry.Addr + "/demo/debian:derived"
	if _, err := l.docker.Run(ctx, "build", "-q", "--network", "host", "-t", derived, dir); err != nil {
		return err
	}
	if _, err := l.docker.Run(ctx, "push", "-q", derived); err != nil {
		return err
	}
	var rootfs, plain []string
	for i, name := range []string{l.debian, derived} {
		if err := l.mount.pull(name); err != nil {
			return err
		}
		rootfs = append(rootfs, l.mount.tag(name, "rootfs")+"/")
		plain = append(plain, filepath.Join(l.dir, "copy"+string(rune('0'+i))))
		if _, err := peers.Run(ctx, "cp", "-a", rootfs[i]+".", plain[i]); err != nil {
			return err
		}
	}
	diff := func(dirs []string) func() error {
		// 1 says that they differ, as they do.
		return func() error {
			return shell(ctx, "diff -r --no-dereference "+dirs[0]+" "+dirs[1]+" >/dev/null || test $? = 1")
		}
	}
	return l.race(
		contender{"diff -r of two tags: imagefs", diff(rootfs), diff(rootfs)},
		contender{"diff -r of two tags: plain directories", diff(plain), diff(plain)},
	)
}
