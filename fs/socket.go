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

	"github.com/imagefs/imagefs"
)

// request is what is asked of a holder; its answer is a reply. Both are one JSON value on the socket.
type request struct {
	Verb   string // "umount" or "upgrade"
	Binary string `json:",omitempty"` // upgrade: the path of the new binary
}

// reply is an error as [imagefs.Error] has it; an empty one is success.
type reply struct {
	Kind    imagefs.Kind `json:",omitempty"`
	Subject string       `json:",omitempty"`
	Error   string       `json:",omitempty"`
	Hint    string       `json:",omitempty"`
}

func replyTo(err error) reply {
	var known *imagefs.Error
	switch {
	case err == nil:
		return reply{}
	case errors.As(err, &known):
		return reply{Kind: known.Kind, Subject: known.Subject, Error: known.Err.Error(), Hint: known.Hint}
	}
	return reply{Kind: imagefs.KindOf(err), Error: err.Error()}
}

func (r reply) err() error {
	if r.Error == "" {
		return nil
	}
	return &imagefs.Error{Kind: r.Kind, Subject: r.Subject, Err: errors.New(r.Error), Hint: r.Hint}
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
	_ = json.NewEncoder(c).Encode(replyTo(err)) // who asked may have gone
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
	return r.err()
}
