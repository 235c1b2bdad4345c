package imagefs

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Event is something that happened, in the shape of `docker events`.
type Event struct {
	Type   string `json:"Type"`   // "image"
	Action string `json:"Action"` // "pull", "tag", "untag", "delete", "error", …
	Actor  Actor  `json:"Actor"`
	Scope  string `json:"scope"` // "local"
	// Time is when it happened; Seconds and Nanoseconds since the epoch both hold it, as docker has it.
	Time        time.Time `json:"-"`
	Seconds     int64     `json:"time"`
	Nanoseconds int64     `json:"timeNano"`
}

// Actor is what an event happened to.
type Actor struct {
	ID         string            `json:"ID"`
	Attributes map[string]string `json:"Attributes"`
}

// Subscribe calls f for each event from now on, in order, until ctx ends. It returns at once. f is called by whoever
// causes the event: it must be quick and must not call the engine.
func (e *Engine) Subscribe(ctx context.Context, f func(Event)) { e.events.subscribe(ctx, f) }

// bus hands events to subscribers.
type bus struct {
	mu   sync.Mutex // guards subs, and keeps events in order
	subs []*subscriber
}

type subscriber struct {
	ctx context.Context
	f   func(Event)
}

func (b *bus) subscribe(ctx context.Context, f func(Event)) {
	sub := &subscriber{ctx, f}
	b.mu.Lock()
	b.subs = append(b.subs, sub)
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.subs = slices.DeleteFunc(b.subs, func(s *subscriber) bool { return s == sub })
	})
}

// image publishes what happened to an image.
func (b *bus) image(action, id string, attributes map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	ev := Event{
		Type: "image", Action: action, Actor: Actor{ID: id, Attributes: attributes}, Scope: "local",
		Time: now, Seconds: now.Unix(), Nanoseconds: now.UnixNano(),
	}
	for _, s := range b.subs {
		if s.ctx.Err() == nil {
			s.f(ev)
		}
	}
}
