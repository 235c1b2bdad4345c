package conn

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync"
)

// Holder keeps connections open and a server process behind them. The server has a session of its own, and is killed
// when the holder ends. It calls [Ready] when it answers, or [Refuse].
//
// The holder's process must not have a file of these mounts open, nor start a command in them, while it runs: starting
// a server closes its copies of what is open, and would wait for that server to say that they may be closed.
type Holder struct {
	// Files become descriptors 3, 4, … of the server.
	Files []*os.File
	// Command makes the server's command; upgrade is the path of the binary to change to, or "" for the one in use
	// at the start. After a successful upgrade every command is made for that path.
	Command func(upgrade string) *exec.Cmd
	// Log is told of deaths and takeovers, a line each.
	Log func(format string, args ...any)

	once     sync.Once
	upgrades chan upgrade
	ended    chan struct{} // closed when Run returns
}

type upgrade struct {
	ctx  context.Context
	path string
	done chan error // has room for one
}

var errEnded = errors.New("the file systems are unmounted")

func (h *Holder) prepare() {
	h.once.Do(func() {
		h.upgrades = make(chan upgrade)
		h.ended = make(chan struct{})
	})
}

// Run starts the server, and the next one each time it dies, until one ends with exit status 0 (its file systems are
// unmounted) or ctx ends, which ends the server. If the first server fails before it is ready, and was not killed, Run
// returns why; later it never gives up, for readers wait. It is called once.
func (h *Holder) Run(ctx context.Context) error {
	runtime.LockOSThread() // see start
	defer runtime.UnlockOSThread()
	h.prepare()
	defer close(h.ended)
	r := run{Holder: h, predecessor: predecessorKilled}
	if err := r.start(""); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			r.stop()
			return context.Cause(ctx)
		case <-r.ended():
			if r.server.err == nil || r.isHopeless() {
				return r.server.failure()
			}
			r.bury()
		case <-r.restart:
			r.startAgain()
		case u := <-h.upgrades:
			u.done <- r.upgrade(ctx, u)
		}
	}
}

// Upgrade replaces the running server by one of the binary at path ("" for the same), and returns when it answers. If
// the new one refuses to take over, the old binary is started again and its refusal returned.
func (h *Holder) Upgrade(ctx context.Context, path string) error {
	h.prepare()
	u := upgrade{ctx: ctx, path: path, done: make(chan error, 1)}
	select {
	case h.upgrades <- u:
	case <-h.ended:
		return errEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-u.done
}
