package control

import (
	"context"

	"github.com/imagefs/imagefs"
)

// Engine does the work; [*imagefs.Engine] is one.
type Engine interface {
	Puller
	Pusher
	Tagger
	Remover
	Pruner
	Archiver
	Loader
	Builder
	Importer
	Searcher
	Containers
	// Subscribe calls f for each event until ctx ends, and returns at once; wait returns when f is called no more.
	Subscribe(ctx context.Context, f func(imagefs.Event)) (wait func())
}
