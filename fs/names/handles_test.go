package names

import (
	"io/fs"
	"sync/atomic"
	"testing"

	"github.com/imagefs/imagefs/fs/control"
)

// slowFile is opened when release is closed.
type slowFile struct {
	release, began chan struct{}
	opened         atomic.Int32
}

func (*slowFile) Mode() fs.FileMode { return 0o400 }
func (*slowFile) Size() int64       { return 0 }
func (*slowFile) Stream(bool) bool  { return false }

func (f *slowFile) Open(handle uint64) control.Session {
	if f.opened.Add(1) == 1 {
		close(f.began)
	}
	<-f.release
	return control.Text(0o400, func() []byte { return nil }).Open(handle)
}

// A file that takes its time is opened once, and nobody else waits for it.
func TestSlowOpen(t *testing.T) {
	h, slow := newHandles(), &slowFile{release: make(chan struct{}), began: make(chan struct{})}
	opened := make(chan control.Session)
	for range 2 {
		go func() { opened <- h.open(1, slow) }()
	}
	<-slow.began
	quick := control.Text(0o400, func() []byte { return nil })
	if s := h.open(2, quick); s == nil || h.get(2) != s || h.remove(2) != s || h.get(2) != nil {
		t.Error("another handle does not have its session")
	}
	close(slow.release)
	if a, b := <-opened, <-opened; a != b || slow.opened.Load() != 1 || h.remove(1) != a {
		t.Errorf("opened %d times", slow.opened.Load())
	}
}
