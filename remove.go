package imagefs

import "context"

// RemoveRequest is what `docker rmi` is asked for.
type RemoveRequest struct {
	Refs  []string
	Force bool
}

// Remove removes images, or only names, by docker's rules. Its lines are docker's: "Untagged: …", "Deleted: sha256:…". What
// fails does not keep the others from being removed: the error joins an [*Error] for each.
func (e *Engine) Remove(ctx context.Context, req RemoveRequest, report Reporter) error { panic("stub") }
