package imagefs

import (
	"context"

	"github.com/imagefs/imagefs/store"
)

// PullRequest is what `docker pull` is asked for.
type PullRequest struct {
	Ref          string // as the user wrote it
	Platform     string // os/arch[/variant]; "" for the host's
	AllPlatforms bool   // every platform of the index
	AllTags      bool   // every tag of the repository; Ref must have no tag or digest
}

// Pull fetches images from a registry. Two calls that ask for the same share one download and its result; the download
// goes on until the last of them is cancelled. What an interrupted pull had fetched is not fetched again.
func (e *Engine) Pull(ctx context.Context, req PullRequest, report Reporter) ([]*store.Image, error) {
	panic("unwritten")
}
