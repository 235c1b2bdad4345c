package imagefs_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
)

// TestStopAtTheBeginning stops a container that counts as running, and cannot be signalled for another moment.
func TestStopAtTheBeginning(t *testing.T) {
	b := newBench(t)
	c, err := container.Create(b.Store().Dir(), container.Container{
		ID: container.NewID(), Name: "web", Image: digest.FromString("image"), Config: []byte("{}"),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(c.Rootfs())
	held, err := os.Create(filepath.Join(dir, "process"))
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	heard := make(chan byte, 1)
	go func() {
		defer held.Close() // it has ended
		time.Sleep(20 * time.Millisecond)
		fifo := filepath.Join(dir, "signals")
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			t.Error(err)
			return
		}
		pipe, err := os.OpenFile(fifo, os.O_RDWR, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer pipe.Close()
		number := make([]byte, 1)
		if _, err := pipe.Read(number); err != nil {
			t.Error(err)
		}
		heard <- number[0]
	}()
	if err := b.Stop(t.Context(), imagefs.StopRequest{Container: "web"}); err != nil {
		t.Error(err)
	}
	select {
	case number := <-heard:
		if unix.Signal(number) != unix.SIGTERM {
			t.Errorf("signal %d", number)
		}
	default:
		t.Error("stop succeeded without a signal")
	}
}
