package imagefs

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/imagefs/imagefs/store"
)

// Event is something that happened, in the shape of `docker events` (moby api/types/events).
type Event struct {
	Status string `json:"status,omitempty"` // the action again
	ID     string `json:"id,omitempty"`     // the actor's again
	Type   string `json:"Type"`             // "image" or "container"
	// Action is, of an image, "pull", "push", "tag", "untag", "delete", "load", "save", "import", "build" or "prune"; of a
	// container, "create", "commit" or "destroy".
	Action string `json:"Action"`
	Actor  Actor  `json:"Actor"`
	Scope  string `json:"scope"` // "local"
	// When it happened, since the epoch; both hold it, as docker has it.
	Seconds     int64 `json:"time"`
	Nanoseconds int64 `json:"timeNano"`
}

// Time is when it happened.
func (ev Event) Time() time.Time { return time.Unix(0, ev.Nanoseconds) }

// Actor is what an event happened to.
type Actor struct {
	ID         string            `json:"ID"`
	Attributes map[string]string `json:"Attributes"`
}

// EventsRequest is what `docker events` is asked for.
type EventsRequest struct {
	Since, Until time.Time // the zero time: from now on; for ever
	Filters      []string  // key=value: type, event, image, label; several of one key are alternatives
}

// Events calls f with each event of the store that passes, whichever process caused it, in order, until ctx or Until ends
// (it returns nil then) or f fails. Of the past it knows what the store's log still has.
func (e *Engine) Events(ctx context.Context, req EventsRequest, f func(Event) error) error {
	keep, err := newEventFilter(req.Filters)
	if err != nil {
		return err
	}
	now := time.Now()
	since := req.Since
	if since.IsZero() {
		since = now
	}
	follow := true
	if !req.Until.IsZero() {
		follow = req.Until.After(now)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, req.Until)
		defer cancel()
		if !follow {
			ctx = context.WithoutCancel(ctx) // what is past is told whole
		}
	}
	return e.store.Events(ctx, follow, func(line []byte) error {
		var ev Event
		if json.Unmarshal(line, &ev) != nil {
			return nil // of a later version, or damaged: none that can be told
		}
		at := ev.Time()
		if at.Before(since) || !req.Until.IsZero() && at.After(req.Until) || !keep(ev) {
			return nil
		}
		return f(ev)
	})
}

// Subscribe calls f for each event from now on, in order, until ctx ends. It returns at once; wait returns when f is called
// no more. Where the log cannot be followed, nothing comes.
func (e *Engine) Subscribe(ctx context.Context, f func(Event)) (wait func()) {
	done := make(chan struct{})
	req := EventsRequest{Since: time.Now()}
	go func() {
		defer close(done)
		e.Events(ctx, req, func(ev Event) error { f(ev); return nil })
	}()
	return func() { <-done }
}

// newEventFilter reads docker's filters. The error is of kind Invalid.
func newEventFilter(filters []string) (func(Event) bool, error) {
	wanted := map[string][]string{}
	for _, filter := range filters {
		key, value, ok := strings.Cut(filter, "=")
		if !ok {
			return nil, badFilter(filter)
		}
		switch key {
		case "type", "event", "image", "label":
			wanted[key] = append(wanted[key], value)
		default:
			return nil, &Error{
				Kind: Invalid, Subject: key, Err: errors.New("invalid filter '" + key + "'"),
				Hint: "there are type, event, image and label",
			}
		}
	}
	return func(ev Event) bool {
		for key, values := range wanted {
			if !slices.ContainsFunc(values, func(value string) bool { return ev.is(key, value) }) {
				return false
			}
		}
		return true
	}, nil
}

// is tells whether the event has the value that a filter asks for, as docker compares them.
func (ev Event) is(key, value string) bool {
	switch key {
	case "type":
		return ev.Type == value
	case "event":
		return ev.Action == value
	case "image":
		name := ev.Actor.Attributes["name"]
		return slices.Contains([]string{ev.Actor.ID, name, withoutTag(ev.Actor.ID), withoutTag(name)}, value)
	}
	want, exact, ok := strings.Cut(value, "=")
	got, has := ev.Actor.Attributes[want]
	return has && (!ok || got == exact)
}

func withoutTag(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.FamiliarName(named)
}

// bus writes events into the store's log, where each process of the root finds them.
type bus struct{ store *store.Store }

// image writes down what happened to an image, which may be nil: then nobody is told. name is the familiar one docker
// gives the event, or "" for the image's ID.
func (b bus) image(action string, img *store.Image, name string) {
	if img == nil {
		return
	}
	if name == "" {
		name = img.ID.String()
	}
	attributes := labels(b.store, img)
	attributes["name"] = name
	b.append(action, img.ID.String(), attributes)
}

// append writes down what happened to an image.
func (b bus) append(action, id string, attributes map[string]string) {
	b.write(Event{Type: "image", Action: action, Actor: Actor{ID: id, Attributes: attributes}}, time.Now())
}

// write writes an event down. What it tells of has happened: one that cannot be written, to a disk that is full, is lost.
func (b bus) write(ev Event, now time.Time) {
	ev.Status, ev.ID, ev.Scope = ev.Action, ev.Actor.ID, "local"
	ev.Seconds, ev.Nanoseconds = now.Unix(), now.UnixNano()
	if line, err := json.Marshal(ev); err == nil {
		_ = b.store.AppendEvent(line)
	}
}

// labels are those of an image's config; none if it cannot be read.
func labels(s *store.Store, img *store.Image) map[string]string {
	all := map[string]string{}
	if c, err := readConfig(s, img); err == nil && c.Config != nil {
		for key, value := range c.Config.Labels {
			all[key] = value
		}
	}
	return all
}

func badFilter(filter string) *Error {
	return invalid(filter, "invalid filter %q: it is not key=value", filter)
}
