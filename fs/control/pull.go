package control

import (
	"context"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

// Puller is what ctl/pull needs.
type Puller interface {
	Pull(ctx context.Context, req imagefs.PullRequest, report imagefs.Reporter) ([]*store.Image, error)
}
