package fs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/imagefs/imagefs/fs/errno"
)

// request is what is asked of a holder; its answer is a reply. Both are one JSON value on the socket.
type request struct {
	Verb   string // "umount" or "upgrade"
	Binary string `json:",omitempty"` // upgrade: the path of the new binary
}

type reply struct {
	Error string        `json:",omitempty"`
	Errno syscall.Errno `json:",omitempty"`
}

// listen answers requests on the place's socket with handle, until ctx ends. wait then waits for the answers.
func (p place) listen(ctx context.Context, handle func(request) error) (wait func(), err error) {
	if err := os.Remove(p.socket()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", p.socket())
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			tasks.Go(func() { answer(ctx, c, handle) })
		}
	})
	return tasks.Wait, nil
}

func answer(ctx context.Context, c net.Conn, handle func(request) error) {
	defer c.Close()
	// Who connects and asks nothing is not waited for.
	stop := context.AfterFunc(ctx, func() { c.Close() })
	var req request
	err := json.NewDecoder(c).Decode(&req)
	stop()
	if err == nil {
		err = handle(req)
	}
	var r reply
	if err != nil {
		r = reply{Error: err.Error(), Errno: errno.Of(err)}
	}
	_ = json.NewEncoder(c).Encode(r) // who asked may have gone
}

// ask sends a request to the holder of the place.
func (p place) ask(ctx context.Context, req request) error {
	c, err := new(net.Dialer).DialContext(ctx, "unix", p.socket())
	if err != nil {
		return notMounted(p)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := json.NewEncoder(c).Encode(req); err != nil {
		return err
	}
	var r reply
	if err := json.NewDecoder(c).Decode(&r); err != nil {
		return fmt.Errorf("the holder of %s gave no answer: %w", p.Mountpoint, err)
	}
	if r.Error == "" {
		return nil
	}
	return &remoteError{r}
}

// remoteError is a holder's error, with the same text and errno.
type remoteError struct{ reply reply }

func (e *remoteError) Error() string { return e.reply.Error }
func (e *remoteError) Unwrap() error { return e.reply.Errno }
