package imagefs

import "context"

// PruneRequest is what `docker image prune` is asked for.
type PruneRequest struct {
	All         bool     // every image that no container uses, not only those without a tag
	Filters     []string // until=…, label=…, label!=…
	DryRun      bool
	KeepStorage int64 // bytes: the newest images are kept as long as the store has no more than that; 0 for no such limit
}

// Prune removes images. Its lines are docker's Untagged and Deleted; it returns the bytes that the disk has got back.
func (e *Engine) Prune(ctx context.Context, req PruneRequest, report Reporter) (reclaimed int64, err error) {
	panic("stub")
}
