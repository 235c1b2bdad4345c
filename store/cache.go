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
	state fileState // of its file, from before it was opened
}

var errClosed = errors.New("the store is closed")

// get returns the value of key, which open opens, of the file path, if nobody has yet. Two callers for one key share one
// open; what fails is tried again by the next.
func (c *cache[T]) get(key, path string, open func() (T, error)) (T, error) {
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
	state, err := stateOfPath(path)
	if err != nil {
		return e.value, err
	}
	value, err := open()
	if err == nil {
		e.value, e.open, e.state = value, true, state
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

// dropReplaced drops the values whose file, as path gives it for a key, has become another. As the old one is open, its
// inode was not given again. It tells whether there were any.
func (c *cache[T]) dropReplaced(path func(key string) string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.entries)
	maps.DeleteFunc(c.entries, func(key string, e *cached[T]) bool { return e.isReplaced(path(key)) })
	return len(c.entries) < before
}

func (e *cached[T]) isReplaced(path string) bool {
	if !e.mu.TryLock() { // it is being opened
		return false
	}
	defer e.mu.Unlock()
	if !e.open {
		return false
	}
	state, err := stateOfPath(path)
	return err == nil && state != (fileState{}) && !state.sameFile(e.state)
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
