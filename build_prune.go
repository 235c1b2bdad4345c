package imagefs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PruneBuildsRequest is what `docker builder prune` is asked for.
type PruneBuildsRequest struct {
	All     bool     // what RUN's cache mounts hold, too
	Filters []string // until=TIME: only what no build has used since
	// KeepStorage is in bytes: only as much goes, what was not used for longest first, as leaves no more than that; 0 for all.
	KeepStorage int64
}

// PruneBuilds forgets what builds have made, and returns the bytes that the store is smaller by. What an image has
// stays with the image, and does not count.
func (e *Engine) PruneBuilds(ctx context.Context, req PruneBuildsRequest) (reclaimed int64, err error) {
	since, err := usedSince(req.Filters)
	if err != nil {
		return 0, err
	}
	if err := e.SweepBuilds(ctx); err != nil {
		return 0, err
	}
	if reclaimed, err = e.forget(since, req.KeepStorage); err != nil {
		return reclaimed, err
	}
	if req.All {
		dir := e.buildMounts()
		reclaimed += sizeBelow(dir)
		if err := os.RemoveAll(dir); err != nil {
			return reclaimed, err
		}
	}
	collected, err := e.store.Collect(ctx)
	return reclaimed + collected.Bytes, err
}

// usedSince reads the filters; the zero time if there is none.
func usedSince(filters []string) (since time.Time, err error) {
	for _, filter := range filters {
		key, value, ok := strings.Cut(filter, "=")
		if !ok {
			return since, badFilter(filter)
		}
		if key != "until" {
			return since, &Error{
				Kind: Invalid, Subject: key, Err: errors.New("invalid filter '" + key + "'"), Hint: "there is until",
			}
		}
		if since, err = ParseTime(value, time.Now()); err != nil {
			return since, fmt.Errorf("invalid filter '%s': %w", filter, err)
		}
	}
	return since, nil
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
