package imagefs

import "context"

// PushRequest is what `docker push` is asked for.
type PushRequest struct {
	Ref     string
	AllTags bool
}

// Push sends an image, or an index and what the store has of it, to its registry. Its lines are docker's.
func (e *Engine) Push(ctx context.Context, req PushRequest, report Reporter) error { panic("stub") }
