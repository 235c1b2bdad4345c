package imagefs

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/imagefs/imagefs/builder/cache"
)

// PruneBuilds forgets what builds that were before a time have made, and with all, what RUN's cache mounts hold, as `docker
// builder prune` does. It returns the bytes that the store is smaller by.
func (e *Engine) PruneBuilds(ctx context.Context, before time.Time, all bool) (int64, error) {
	if err := e.SweepBuilds(ctx); err != nil {
		return 0, err
	}
	_, reclaimed, err := cache.Of(e.store.Dir()).Prune(before)
	if err != nil {
		return reclaimed, err
	}
	if all {
		dir := e.buildMounts()
		reclaimed += sizeBelow(dir)
		if err := os.RemoveAll(dir); err != nil {
			return reclaimed, err
		}
	}
	collected, err := e.store.Collect(ctx)
	return reclaimed + collected.Bytes, err
}

// buildMounts is the directory of what RUN's cache mounts hold.
func (e *Engine) buildMounts() string { return filepath.Join(e.store.Dir(), "build-mounts") }

// sizeBelow is how many bytes the files below a directory have.
func sizeBelow(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // it may go meanwhile
		}
		if info, err := entry.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}
