package imagefs

import (
	"context"
	"sync"

	"github.com/imagefs/imagefs/store"
)

// flights lets callers who ask for the same share one download.
type flights struct {
	mu      sync.Mutex // guards running, and callers of each flight
	running map[PullRequest]*flight
}

// flight is one download and those who wait for it.
type flight struct {
	audience audience
	callers  int
	cancel   context.CancelFunc
	done     chan struct{} // closed when images and err are set
	images   []*store.Image
	err      error
}

type pullFunc func(context.Context, Reporter) ([]*store.Image, error)

// do runs work, or joins whoever runs it for an equal request. When ctx ends, do returns at once; the work is cancelled,
// and waited for, by the last of its callers.
func (f *flights) do(ctx context.Context, req PullRequest, report Reporter, work pullFunc) ([]*store.Image, error) {
	fl := f.join(ctx, req, work)
	leave := fl.audience.join(report)
	defer leave()
	select {
	case <-fl.done:
		return fl.images, fl.err
	case <-ctx.Done():
	}
	if f.leave(req, fl) {
		fl.cancel()
		<-fl.done
	}
	return nil, context.Cause(ctx)
}

func (f *flights) join(ctx context.Context, req PullRequest, work pullFunc) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.running[req]; fl != nil {
		fl.callers++
		return fl
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	fl := &flight{callers: 1, cancel: cancel, done: make(chan struct{})}
	if f.running == nil {
		f.running = make(map[PullRequest]*flight)
	}
	f.running[req] = fl
	go func() {
		defer cancel()
		defer close(fl.done)
		fl.images, fl.err = work(ctx, &fl.audience)
		f.forget(req, fl)
	}()
	return fl
}

// leave tells whether the caller was the last; from then on, nobody joins the flight.
func (f *flights) leave(req PullRequest, fl *flight) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl.callers--
	if fl.callers > 0 {
		return false
	}
	if f.running[req] == fl {
		delete(f.running, req)
	}
	return true
}

func (f *flights) forget(req PullRequest, fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running[req] == fl {
		delete(f.running, req)
	}
}
