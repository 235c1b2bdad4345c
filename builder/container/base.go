package container

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/tree"
)

// baseDir is the directory of what docker calls the init layer, between the image and the upper directory: the places that a
// process's own file systems and files are mounted over, as far as the image has none. So they are no changes.
const baseDir = "base"

// layBase makes the directory.
func layBase(dir string, image *tree.Tree) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"dev", "proc", "sys", "etc"} {
		if _, ok, err := image.Walk(name); ok || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	return layEtc(image, filepath.Join(dir, "etc"))
}

// layEtc makes the files that are not in the image's /etc. Where that is a symlink, they will be changes.
func layEtc(image *tree.Tree, dir string) error {
	i, ok, err := image.Walk("etc")
	if err != nil {
		return err
	}
	if ok {
		if n, err := image.Node(i); err != nil || n.Type != layer.Directory {
			return err
		}
	}
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		if _, has, err := image.Walk("etc/" + name); has || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(dir); !ok || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return mirror(image, i, dir)
}

// mirror gives a directory the attributes of the image's node i, which overlayfs would else take from it.
func mirror(image *tree.Tree, i int, dir string) error {
	attr, err := image.Attr(i)
	if err != nil {
		return err
	}
	xattrs, err := image.Xattrs(i)
	if err != nil {
		return err
	}
	if err := os.Lchown(dir, int(attr.UID), int(attr.GID)); err != nil {
		return err
	}
	if err := unix.Chmod(dir, attr.Mode&0o7777); err != nil {
		return &os.PathError{Op: "chmod", Path: dir, Err: err}
	}
	for _, x := range xattrs {
		err := unix.Lsetxattr(dir, x.Name, x.Value, 0)
		if err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.EPERM) {
			return &os.PathError{Op: "setxattr", Path: dir, Err: err}
		}
	}
	return os.Chtimes(dir, time.Now(), attr.MTime())
}

// lower are the directories below the upper one, the topmost first.
func (c *Container) lower(content string) string {
	image := escape(filepath.Join(content, c.Image.Encoded(), "rootfs"))
	laid := filepath.Join(c.dir, baseDir)
	if _, err := os.Lstat(laid); err != nil {
		return image
	}
	return escape(laid) + ":" + image
}
