package imagefs

import (
	"context"
	"io"

	"github.com/imagefs/imagefs/store/archive"
)

// SaveRequest is what `docker save` is asked for.
type SaveRequest struct {
	Refs   []string // names, IDs, repositories (all their tags)
	Format string   // "docker-archive", which "" means, or "oci-archive"
	NotIn  []string // leave out the blobs of these images
}

// Archive makes the archive that Save writes: its size is known, any part of it can be read, and nothing of it is stored.
// It stays readable while the images are in the store.
func (e *Engine) Archive(req SaveRequest) (*archive.Archive, error) { panic("stub") }

// Save writes an archive of images to w.
func (e *Engine) Save(ctx context.Context, req SaveRequest, w io.Writer) error { panic("stub") }
