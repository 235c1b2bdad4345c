package main

import (
	"context"
	"os"
	"path/filepath"
)

// compareCopy: `cp` of an image.tar, which is stored nowhere, beside `cp` of a file that holds the same bytes.
func compareCopy(ctx context.Context, l *lab) error {
	if err := l.mount.pull(l.debian); err != nil {
		return err
	}
	image := l.mount.tag(l.debian, "image.tar")
	stored, target := filepath.Join(l.dir, "stored.tar"), filepath.Join(l.dir, "copied.tar")
	defer os.Remove(stored)
	defer os.Remove(target)
	cp := func(from string) func() error {
		return func() error { return shell(ctx, "cp "+from+" "+target) }
	}
	if err := shell(ctx, "cp "+image+" "+stored+" && cmp "+image+" "+stored); err != nil {
		return err
	}
	fresh := func() error { return os.RemoveAll(target) }
	cold := func() error {
		if err := fresh(); err != nil {
			return err
		}
		return dropCaches()
	}
	for _, c := range []struct {
		name    string
		prepare func() error
	}{{"warm cp", fresh}, {"cold cp", cold}} {
		err := l.race(
			contender{c.name + ": image.tar", c.prepare, cp(image)},
			contender{c.name + ": stored file", c.prepare, cp(stored)},
		)
		if err != nil {
			return err
		}
	}
	return nil
}
