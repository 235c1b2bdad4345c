package imagefs

import (
	"context"
	"time"

	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
)

// Engine carries out the verbs. Its methods may be called from many goroutines.
type Engine struct{}

// New makes an engine. The store and the client stay their owners'.
func New(s *store.Store, r *registry.Client) *Engine { panic("unwritten") }

// Store is the engine's store.
func (e *Engine) Store() *store.Store { panic("unwritten") }

// Event is something that happened, in the shape of `docker events`.
type Event struct {
	Type   string    `json:"Type"`   // "image"
	Action string    `json:"Action"` // "pull", "tag", "untag", "delete", "error", …
	Actor  Actor     `json:"Actor"`
	Time   time.Time `json:"-"`
	// Seconds and Nanoseconds since the epoch; both hold Time, as docker has it.
	Seconds     int64 `json:"time"`
	Nanoseconds int64 `json:"timeNano"`
}

// Actor is what an event happened to.
type Actor struct {
	ID         string            `json:"ID"`
	Attributes map[string]string `json:"Attributes"`
}

// Subscribe calls f for each event from now on, in order, until ctx ends.
func (e *Engine) Subscribe(ctx context.Context, f func(Event)) { panic("unwritten") }

// Reporter is told how an operation goes on. Its methods may be called from many goroutines.
type Reporter interface {
	// Line is one of docker's own lines for this verb, without the newline.
	Line(text string)
	// Layer is the state of one blob's transfer.
	Layer(LayerProgress)
}

// LayerProgress is the state of one blob's transfer.
type LayerProgress struct {
	ID     string `json:"id"`     // docker's short form: 12 hex digits of the blob's digest
	Status string `json:"status"` // docker's words: "Pulling fs layer", "Downloading", "Pull complete", "Already exists"
	Done   int64  `json:"done"`   // bytes, those of earlier attempts included
	Total  int64  `json:"total"`  // bytes
}
