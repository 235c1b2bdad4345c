package container

import (
	"context"
	"io"

	"golang.org/x/sys/unix"
)

// Pack writes what a path names as a tar, in which it is called as; where that is "", the path is a directory, and only
// what is in it is written. A symlink is followed if follow is set, or the path ends with a slash.
func (f *Files) Pack(ctx context.Context, name string, follow bool, as string, to io.Writer) error {
	dir, base, err := f.parent(name, follow)
	if err != nil {
		return err
	}
	defer dir.Close()
	w := newArchiver(ctx, to, noMarks{})
	if as == "" {
		below, err := dir.open(base)
		if err != nil {
			return err
		}
		defer below.Close()
		if err := w.directory(below, ""); err != nil {
			return err
		}
		return w.Close()
	}
	e := entry{name: base}
	if err := unix.Fstatat(int(dir.Fd()), base, &e.stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return dir.error("lstat", base, err)
	}
	if err := w.entry(dir, &e, "", as); err != nil {
		return err
	}
	return w.Close()
}
