package store

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Watch calls changed, from one goroutine at a time, each time that the snapshot has changed, whoever changed it,
// until ctx ends; it returns nil then. A state that cannot be read is passed over: the last good one stays.
func (s *Store) Watch(ctx context.Context, changed func(old, new *Snapshot)) error {
	last := s.Snapshot()
	changes, stop := s.notifications(ocispec.ImageIndexFile)
	defer stop()
	for {
		if snap, err := s.Refresh(); err == nil && snap != last {
			changed(last, snap)
			last = snap
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		}
	}
}

// pollInterval is how often a file is looked at where the system cannot notify us.
const pollInterval = time.Second

// notifications gives something each time that the file name in the root may have changed, until stop is called. Several
// changes may be one.
func (s *Store) notifications(name string) (changes <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ch, done := make(chan struct{}, 1), make(chan struct{})
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		if err = watcher.Add(s.dir); err != nil {
			watcher.Close()
		}
	}
	go func() {
		defer close(done)
		if err != nil { // the user's limit of watches is reached, or the filesystem has none
			poll(ctx, ch)
			return
		}
		defer watcher.Close()
		forward(ctx, watcher, name, ch)
	}()
	return ch, func() { cancel(); <-done }
}

func forward(ctx context.Context, watcher *fsnotify.Watcher, name string, ch chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-watcher.Events:
			if filepath.Base(event.Name) == name {
				notify(ch)
			}
		case <-watcher.Errors: // an overflow: anything may have happened
			notify(ch)
		}
	}
}

func poll(ctx context.Context, ch chan<- struct{}) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			notify(ch)
		}
	}
}

func notify(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
