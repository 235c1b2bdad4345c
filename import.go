package imagefs

import (
	"context"
	"io"

	"github.com/imagefs/imagefs/store"
)

// ImportRequest is what `docker import` is asked for.
type ImportRequest struct {
	Source   io.Reader // a tar of a root file system, which may be compressed
	Ref      string    // "" for none
	Changes  []string  // instructions, as of a Dockerfile
	Message  string
	Platform string
}

// Import makes an image of one layer. Its line is the new image's ID.
func (e *Engine) Import(ctx context.Context, req ImportRequest, report Reporter) (*store.Image, error) {
	panic("stub")
}
