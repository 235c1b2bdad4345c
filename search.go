package imagefs

import (
	"context"

	"github.com/imagefs/imagefs/registry"
)

// SearchRequest is what `docker search` is asked for.
type SearchRequest struct {
	Term    string // HOST/term asks that registry
	Limit   int    // 0 for docker's 25
	Filters []string
}

// Search asks a registry for repositories.
func (e *Engine) Search(ctx context.Context, req SearchRequest) ([]registry.SearchResult, error) {
	panic("stub")
}

// SearchTable formats what was found as `docker search` does.
func SearchTable(results []registry.SearchResult, noTrunc bool) []byte { panic("stub") }
