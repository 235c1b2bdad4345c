package conn

import (
	"context"
	"fmt"
	"time"
)

// A server that crashes younger than this, or ends before it is ready, has its successor wait: not the first time, then
// from the first delay on, doubling, to the longest. One that was ready and is killed from outside is replaced at once.
const (
	young        = 100 * time.Millisecond
	firstDelay   = 10 * time.Millisecond
	longestDelay = time.Second
)

// answerTime is how long a server has to answer after an upgrade; readers wait meanwhile.
const answerTime = 20 * time.Second

var errSilent = fmt.Errorf("the server has not answered within %v", answerTime)

// run is what [Holder.Run] knows.
type run struct {
	*Holder
	server      *child           // nil while there is none
	restart     <-chan time.Time // when there will be one
	path        string           // of the binary in use, "" for the first one
	predecessor string           // how the last server ended
	everReady   bool
	deaths      int // young ones in a row
}

// ended is closed when the server has ended; nil if there is none.
func (r *run) ended() <-chan struct{} {
	if r.server == nil {
		return nil
	}
	return r.server.ended
}

// start starts a server of the binary at path.
func (r *run) start(path string) error {
	server, err := start(r.Command(path), r.Files, r.predecessor)
	if err != nil {
		return err
	}
	r.server, r.restart = server, nil
	return nil
}

// startAgain starts a server of the binary in use, and tries again later if it cannot.
func (r *run) startAgain() {
	if err := r.start(r.path); err != nil {
		r.Log("cannot start the server: %v", err)
		r.restart = time.After(longestDelay)
		return
	}
	r.Log("server %d takes over", r.server.pid())
}

// isHopeless is true for a server that has failed where none has ever been ready: the next one would, too.
func (r *run) isHopeless() bool {
	return !r.everReady && !r.server.isReady() && !r.server.killed()
}

// bury plans the start of the next server.
func (r *run) bury() {
	delay := time.Duration(0)
	if r.server.isReady() && (r.server.killed() || time.Since(r.server.born) >= young) {
		r.deaths = 0
	} else if r.deaths++; r.deaths > 1 {
		delay = min(firstDelay<<min(r.deaths-2, 10), longestDelay)
	}
	r.Log("server %d has died: %v", r.server.pid(), r.server.failure())
	r.forget()
	r.restart = time.After(delay)
}

// stop ends the server, if there is one.
func (r *run) stop() {
	r.restart = nil
	if r.server != nil {
		r.server.end()
		r.forget()
	}
}

// forget drops a server that has ended.
func (r *run) forget() {
	r.everReady = r.everReady || r.server.isReady()
	r.predecessor = r.server.death()
	r.server = nil
}

// upgrade carries out [Holder.Upgrade].
func (r *run) upgrade(ctx context.Context, u upgrade) error {
	path := u.path
	if path == "" {
		path = r.path
	}
	r.stop()
	r.predecessor = predecessorKilled // by us, whatever it made of that
	err := r.start(path)
	if err == nil {
		soon, stop := context.WithTimeoutCause(u.ctx, answerTime, errSilent)
		defer stop()
		either, cancel := context.WithCancelCause(soon)
		defer context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })()
		defer cancel(nil)
		err = r.server.wait(either)
	}
	if err != nil {
		r.Log("upgrade to %q: %v", path, err)
		r.stop()
		r.startAgain()
		return err
	}
	r.Log("server %d takes over, upgraded to %q", r.server.pid(), path)
	r.path = path
	return nil
}
