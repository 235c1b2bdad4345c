package container

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/imagefs/imagefs/builder/runner"
)

// Remove unmounts the container and removes it with all that was changed in it. EBUSY if its rootfs is in use and lazy,
// which only detaches it, is not set.
func (c *Container) Remove(ctx context.Context, lazy bool) error {
	lock, err := c.Lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := c.unmount(ctx, lazy); err != nil {
		return err
	}
	if err := runner.Clean(c.runDir()); err != nil {
		return err
	}
	gone := filepath.Join(filepath.Dir(c.dir), leaving+c.ID)
	if err := os.Rename(c.dir, gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// FinishRemovals finishes what was cut short of a store's removals. It may be called at any time, but under ROOT/lock it would
// keep others waiting.
func FinishRemovals(root string) { sweep(root, leaving) }

// What the names begin with of containers on their way to and from their own.
const (
	coming  = ".new-"
	leaving = ".gone-"
)

// sweep removes what dead processes left whose names begin with prefix: coming under ROOT/lock, when nobody else makes a
// container, and leaving at any time, since what another process removes may as well go.
func sweep(root, prefix string) {
	entries, err := os.ReadDir(Dir(root))
	if err != nil {
		return // there is none yet
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			_ = os.RemoveAll(filepath.Join(Dir(root), e.Name())) // the next one tries again
		}
	}
}
