package fs

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"

	"github.com/imagefs/imagefs"
)

func TestAsk(t *testing.T) {
	p := testPlace(t)
	if err := os.Mkdir(p.State, 0o700); err != nil {
		t.Fatal(err)
	}
	busyError := &imagefs.Error{Kind: imagefs.InUse, Subject: "x", Err: errors.New("x is in use"), Hint: "look"}
	ctx, cancel := context.WithCancel(t.Context())
	wait, err := p.listen(ctx, func(r request) error {
		switch r.Verb {
		case "umount":
			return busyError
		case "upgrade":
			return context.DeadlineExceeded
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.ask(t.Context(), request{}); err != nil {
		t.Error(err)
	}
	err = p.ask(t.Context(), request{Verb: "umount"})
	if imagefs.KindOf(err) != imagefs.InUse || err.Error() != busyError.Error() {
		t.Errorf("umount: %v", err)
	}
	if err := p.ask(t.Context(), request{Verb: "upgrade", Binary: "/x"}); imagefs.KindOf(err) != imagefs.TimedOut {
		t.Errorf("upgrade: %v", err)
	}
	silent, err := net.Dial("unix", p.socket())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cancel()
	wait() // also for who asked nothing
	if err := p.ask(t.Context(), request{}); imagefs.KindOf(err) != imagefs.NotFound {
		t.Errorf("after the end: %v", err)
	}
}
