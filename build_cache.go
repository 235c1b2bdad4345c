package imagefs

import (
	"context"
	"time"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/cache"
)

// keepRecord puts what the step has made into the cache.
func (s *buildStage) keepRecord(r cache.Record) error {
	if r.DiffID != "" {
		l, err := s.store.Layer(r.DiffID)
		if err != nil {
			return err
		}
		r.Size = l.Size()
	}
	s.mu.Lock()
	s.layered = s.layered || r.DiffID != ""
	s.mu.Unlock()
	return s.cache.Put(s.key, r)
}

// make keeps the record of what the step has made in this build.
func (s *buildStage) make(r cache.Record) error {
	s.mu.Lock()
	s.made[s.key] = true
	s.mu.Unlock()
	return s.keepRecord(r)
}

// note adds the step to those that the build has used.
func (s *buildStage) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, s.key)
}

// settle ends the build's use of the cache, which may have grown too large.
func (b *build) settle(ctx context.Context) error {
	b.cache.Touch(b.keys)
	if !b.layered {
		return nil
	}
	keep, err := b.cacheLimit()
	if err != nil {
		return err
	}
	if forgotten, err := b.forget(time.Time{}, keep); err != nil || forgotten == 0 {
		return err
	}
	_, err = b.store.Collect(ctx)
	return err
}

// cacheLimit is how much the layers may take that only the cache has: a tenth of the disk, as in BuildKit.
func (e *Engine) cacheLimit() (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(e.store.Dir(), &disk); err != nil {
		return 0, err
	}
	return int64(disk.Blocks) * disk.Bsize / 10, nil
}

// forget removes records from the cache, those first that were not used for longest: all that were not used since a
// time, unless that is zero, and as many of them as leave no more than keep bytes of layers that no image has, unless
// that is 0. It returns how many bytes the records were.
func (e *Engine) forget(since time.Time, keep int64) (bytes int64, err error) {
	c := cache.Of(e.store.Dir())
	records, err := c.List()
	if err != nil {
		return 0, err
	}
	only, err := e.onlyCached(records)
	if err != nil {
		return 0, err
	}
	left := only.total()
	for _, r := range records {
		if !since.IsZero() && !r.Used.Before(since) || keep > 0 && left <= keep {
			break
		}
		if err := c.Remove(r); err != nil {
			return bytes, err
		}
		bytes += r.Bytes
		left -= only.drop(r.DiffID)
	}
	return bytes, nil
}

// cachedLayers are layers that records lead to, and no image has.
type cachedLayers map[digest.Digest]*cachedLayer

type cachedLayer struct {
	size    int64
	records int
}

func (e *Engine) onlyCached(records []cache.Kept) (cachedLayers, error) {
	snap, err := e.store.Refresh()
	if err != nil {
		return nil, err
	}
	used := newLayerSizes(e.store, snap.Images).users
	layers := cachedLayers{}
	for _, r := range records {
		if r.DiffID == "" || used[r.DiffID] > 0 || !e.store.HasLayer(r.DiffID) {
			continue
		}
		if layers[r.DiffID] == nil {
			layers[r.DiffID] = &cachedLayer{size: r.Size}
		}
		layers[r.DiffID].records++
	}
	return layers, nil
}

func (l cachedLayers) total() (sum int64) {
	for _, one := range l {
		sum += one.size
	}
	return sum
}

// drop takes out one record of a layer, and returns the layer's size if that was the last.
func (l cachedLayers) drop(diffID digest.Digest) int64 {
	one := l[diffID]
	if one == nil {
		return 0
	}
	if one.records--; one.records > 0 {
		return 0
	}
	return one.size
}
