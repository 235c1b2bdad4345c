package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Mount mounts the container's overlay over its image in the content tree at content, unless it is mounted. Its source,
// in /proc/mounts, is content, which tells whose it is: see [UnmountAll]. An error of the system wraps an errno.
func (c *Container) Mount(ctx context.Context, content string) error {
	lock, err := c.Lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	return c.mount(ctx, content, lock)
}

// mount mounts the container, whose lock the caller has: the helper has it too, so that also if the caller is killed
// nobody removes what is being mounted.
func (c *Container) mount(ctx context.Context, content string, lock *os.File) error {
	if ok, err := c.Mounted(); ok || err != nil {
		return err
	}
	return help(ctx, call{Mount: true, Target: c.Rootfs(), Source: content, Options: c.options(content)}, lock)
}

// ErrNotMounted is that a container is not mounted, and that there is no content tree to mount it over.
var ErrNotMounted = errors.New("the container is not mounted")

// errElsewhere is that a container must not be mounted a second time.
var errElsewhere = errors.New("the container runs where the store was not mounted, and is mounted there alone until it ends")

// isRunning tells whether a process runs in the container: if it is not mounted here, it is where the process is.
func (c *Container) isRunning() bool {
	status, err := c.Status()
	return status == Running && err == nil
}

// With calls f while the container is locked and mounted: over content, which may be "", for as long as that takes, if
// it is not mounted yet.
func (c *Container) With(ctx context.Context, content string, f func(rootfs string) error) error {
	lock, err := c.Lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	switch ok, err := c.Mounted(); {
	case err != nil:
		return err
	case ok:
		return f(c.Rootfs())
	case c.isRunning():
		return errElsewhere
	case content == "":
		return ErrNotMounted
	}
	if err := c.mount(ctx, content, lock); err != nil {
		return err
	}
	return errors.Join(f(c.Rootfs()), c.unmount(context.WithoutCancel(ctx), false))
}

// options are those of overlay(5). What the kernel would do by default is of its configuration, so each is said.
func (c *Container) options(content string) string {
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s,redirect_dir=nofollow,metacopy=off,index=off",
		c.lower(content), escape(c.upper()), escape(filepath.Join(c.dir, "work")))
	if c.UserXattr {
		options += ",userxattr"
	}
	return options
}

// escape protects what separates options, and lower directories.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `:`, `\:`).Replace(path)
}

// Mounted tells whether the container is mounted in this process's mount namespace.
func (c *Container) Mounted() (bool, error) {
	mounts, err := overlays()
	return slices.ContainsFunc(mounts, func(m *mountinfo.Info) bool { return m.Mountpoint == c.Rootfs() }), err
}

func overlays() ([]*mountinfo.Info, error) {
	return mountinfo.GetMounts(mountinfo.FSTypeFilter("overlay"))
}

// Unmount takes the container's overlay down, if it is mounted. EBUSY if it is in use and lazy is not set.
func (c *Container) Unmount(ctx context.Context, lazy bool) error {
	lock, err := c.Lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	return c.unmount(ctx, lazy)
}

func (c *Container) unmount(ctx context.Context, lazy bool) error {
	ok, err := c.Mounted()
	if err != nil || !ok {
		return err
	}
	return takeDown(ctx, c.Rootfs(), lazy)
}

// takeDown unmounts what is mounted at a path, or has been: somebody else may take it down as well.
func takeDown(ctx context.Context, path string, lazy bool) error {
	err := help(ctx, call{Target: path, Lazy: lazy}, nil)
	if errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

// UnmountAll takes down the overlays of all containers that stand on the content tree at content, dead or alive. If one
// is in use, and lazy is not set, it is EBUSY, and those that went before stay down.
func UnmountAll(ctx context.Context, content string, lazy bool) error {
	mounts, err := overlays()
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if m.Source != content {
			continue
		}
		if c := (&Container{dir: filepath.Dir(m.Mountpoint)}); !lazy && c.isRunning() { // elsewhere, which unmounting here does not see
			return &os.PathError{Op: "unmount", Path: m.Mountpoint, Err: unix.EBUSY}
		}
		if err := takeDown(ctx, m.Mountpoint, lazy); err != nil {
			return err
		}
	}
	return nil
}

// MountAll mounts all of a store's containers over the content tree at content, and tells failed of each that cannot
// be. It also finishes removals that were cut short. One in which a process runs is mounted already, here or elsewhere.
func MountAll(ctx context.Context, root, content string, failed func(*Container, error)) error {
	FinishRemovals(root)
	all, err := List(root)
	for _, c := range all {
		if c.isRunning() {
			continue
		}
		if err := c.Mount(ctx, content); err != nil && !os.IsNotExist(err) {
			failed(c, err)
		}
	}
	return err
}
