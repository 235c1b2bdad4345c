package imagefs

import (
	"context"
	"time"
)

// EventsRequest is what `docker events` is asked for.
type EventsRequest struct {
	Since, Until time.Time // the zero time: from now on; for ever
	Filters      []string  // key=value: type, event, image, label
}

// Events calls f with each event of the store, whichever process caused it, in order, until ctx or Until ends (it returns
// nil then) or f fails.
func (e *Engine) Events(ctx context.Context, req EventsRequest, f func(Event) error) error {
	panic("stub")
}
