package store

import (
	"errors"
	"io"
	"maps"
	"sync"
)

// cache keeps what is opened once and used until the store is closed, or it is dropped. The zero value is an empty cache.
type cache[T io.Closer] struct {
	mu      sync.Mutex // guards entries and closed
	entries map[string]*cached[T]
	closed  bool
}

type cached[T io.Closer] struct {
	mu    sync.Mutex // held while the value is opened; guards what follows
	value T
	open  bool
}

var errClosed = errors.New("the store is closed")

// get returns the value of key, which open opens if nobody has yet. Two callers for one key share one open; what fails
// is tried again by the next.
func (c *cache[T]) get(key string, open func() (T, error)) (T, error) {
	e, err := c.entry(key)
	if err != nil {
		var none T
		return none, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open {
		return e.value, nil
	}
	value, err := open()
	if err == nil {
		e.value, e.open = value, true
	}
	return value, err
}

func (c *cache[T]) entry(key string) (*cached[T], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	if c.entries == nil {
		c.entries = map[string]*cached[T]{}
	}
	if c.entries[key] == nil {
		c.entries[key] = &cached[T]{}
	}
	return c.entries[key], nil
}

// keep drops the values of all other keys: what still uses one may go on, and when nothing does, the garbage collector
// closes it.
func (c *cache[T]) keep(keys map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.entries, func(key string, _ *cached[T]) bool { return !keys[key] })
}

// close closes all values, and refuses to open more.
func (c *cache[T]) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for key, e := range c.entries {
		e.mu.Lock()
		if e.open {
			errs = append(errs, e.value.Close())
		}
		e.open = false
		e.mu.Unlock()
		delete(c.entries, key)
	}
	return errors.Join(errs...)
}
