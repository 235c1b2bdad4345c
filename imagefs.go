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
	content  string // where a content tree of the store is mounted; "" if none is known

	compressing chan struct{} // holds a value while a layer is compressed
	runc        runcCheck
}

// New makes an engine. The store and the client stay their owners'.
func New(s *store.Store, r *registry.Client) *Engine {
	return &Engine{store: s, registry: r, events: bus{s}, compressing: make(chan struct{}, 1)}
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
	ID     string `json:"id"`     // docker's short form: 12 hex digits of the blob's digest, or of a pushed layer's diffID
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

// What [LayerProgress] says of a layer that is pushed. It is prepared, waits if there are many, and is pushed unless the
// registry has it.
const (
	StatusPreparing   = "Preparing" // with Done and Total, it is compressed
	StatusQueued      = "Waiting"
	StatusPushing     = "Pushing"
	StatusPushed      = "Pushed"
	StatusPresent     = "Layer already exists"
	StatusMountedFrom = "Mounted from " // and the path of a repository
	StatusForeign     = "Skipped foreign layer"
)
