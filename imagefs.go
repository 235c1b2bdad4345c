package imagefs

import (
	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
)

// Engine carries out the verbs. Its methods may be called from many goroutines.
type Engine struct {
	store    *store.Store
	registry *registry.Client
	pulls    flights
	events   bus
}

// New makes an engine. The store and the client stay their owners'.
func New(s *store.Store, r *registry.Client) *Engine {
	return &Engine{store: s, registry: r, events: bus{s}}
}

// Store is the engine's store.
func (e *Engine) Store() *store.Store { return e.store }

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
	Status string `json:"status"` // docker's words: one of the Status constants
	Done   int64  `json:"done"`   // bytes, those of earlier attempts included
	Total  int64  `json:"total"`  // bytes
}

// What [LayerProgress] says of a layer. A layer that is stored already goes straight to StatusExists; the others pass
// through the rest in this order.
const (
	StatusWaiting     = "Pulling fs layer"
	StatusDownloading = "Downloading"
	StatusDownloaded  = "Download complete" // and its unpacking goes on
	StatusComplete    = "Pull complete"
	StatusExists      = "Already exists"
)
