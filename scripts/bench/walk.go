package main

import (
	"context"
	"path/filepath"
)

// compareWalk: walking and reading the whole tree, warm and cold, beside the same tree in a plain directory.
func compareWalk(ctx context.Context, l *lab) error {
	plain := filepath.Join(l.dir, "plain")
	if err := l.mount.pull(l.debian); err != nil {
		return err
	}
	rootfs := l.mount.tag(l.debian, "rootfs") + "/"
	if err := shell(ctx, "cp -a "+rootfs+". "+plain); err != nil {
		return err
	}
	walk := func(dir string) func() error {
		return func() error { return shell(ctx, "find "+dir+" -printf '%s %m\n' | cat >/dev/null") }
	}
	read := func(dir string) func() error {
		return func() error { return shell(ctx, "tar -C "+dir+" -cf - . | cat >/dev/null") }
	}
	once := func(f func() error) func() error { return func() error { return f() } }
	for _, c := range []struct {
		name    string
		work    func(string) func() error
		prepare func(func() error) func() error
	}{
		{"warm walk (find)", walk, once},
		{"warm read (tar)", read, once},
		{"cold walk (find)", walk, func(func() error) func() error { return dropCaches }},
		{"cold read (tar)", read, func(func() error) func() error { return dropCaches }},
	} {
		err := l.race(
			contender{c.name + ": imagefs", c.prepare(c.work(rootfs)), c.work(rootfs)},
			contender{c.name + ": plain directory", c.prepare(c.work(plain)), c.work(plain)},
		)
		if err != nil {
			return err
		}
	}
	return nil
}
