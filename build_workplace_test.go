package imagefs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/container"
)

// TestLockWorkplace has another build remove the directory before it is locked.
func TestLockWorkplace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "building", "build")
	other, err := lockWorkplace(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockFile(filepath.Join(dir, workplaceLock), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("it was locked twice: %v", err)
	}
	made := make(chan *os.File)
	go func() {
		lock, err := lockWorkplace(dir)
		if err != nil {
			t.Error(err)
		}
		made <- lock
	}()
	awaitWaiter(t, other)
	if err := errors.Join(os.RemoveAll(dir), other.Close()); err != nil {
		t.Fatal(err)
	}
	lock := <-made
	defer lock.Close()
	locked, err := lock.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if named, err := os.Stat(filepath.Join(dir, workplaceLock)); err != nil || !os.SameFile(locked, named) {
		t.Errorf("the lock is of no file: %v", err)
	}
}

// awaitWaiter returns when somebody waits for the lock of a file: see proc_locks(5).
func awaitWaiter(t *testing.T, f *os.File) {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	waiter := regexp.MustCompile(fmt.Sprintf(`(?m)^\d+: -> FLOCK .*:%d `, info.Sys().(*syscall.Stat_t).Ino))
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		locks, err := os.ReadFile("/proc/locks")
		if err != nil {
			t.Fatal(err)
		}
		if waiter.Match(locks) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("nobody waits within 10 s")
		}
	}
}

// newTestWorkplace is a build's workplace, without a process that sweeps after it.
func newTestWorkplace(t *testing.T, e *Engine) *workplace {
	t.Helper()
	w := &workplace{dir: filepath.Join(e.building(), rand.Text())}
	var err error
	if w.lock, err = lockWorkplace(w.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.lock.Close() })
	return w
}

// TestSweepBuilds finds what a build that ended has left, what a removal that was cut short has, and nothing of a build
// that is at work.
func TestSweepBuilds(t *testing.T) {
	s := newTestBuild(t, nil, "FROM scratch\n")
	w, other := newTestWorkplace(t, s.Engine), newTestWorkplace(t, s.Engine)
	before := len(s.store.Snapshot().Images)
	img, err := s.published(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	id := container.NewID()
	c, err := container.Create(w.dir, container.Container{ID: id, Name: id[:12], Image: img.ID, Config: []byte("{}")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := &site{container: c, dir: filepath.Join(w.dir, c.Name)}
	gone := filepath.Join(container.Dir(w.dir), ".gone-x")
	if err := errors.Join(os.Mkdir(at.dir, 0o755), os.Mkdir(gone, 0o755)); err != nil {
		t.Fatal(err)
	}
	busy, err := c.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := at.remove(canceled); !errors.Is(err, context.Canceled) {
		t.Fatalf("removed: %v", err)
	}
	busy.Close()
	w.lock.Close()
	if err := s.SweepBuilds(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.building()); err != nil || len(left) != 1 || left[0].Name() != filepath.Base(other.dir) {
		t.Errorf("%v, %v is left", left, err)
	}
	if snap, err := s.store.Refresh(); err != nil || len(snap.Images) != before {
		t.Errorf("%d images, %v", len(snap.Images), err)
	}
}

// TestBuildsComeAndGo has a build look for what is left while others make and remove their workplaces.
func TestBuildsComeAndGo(t *testing.T) {
	s := newTestBuild(t, nil, "FROM scratch\n")
	done := make(chan struct{})
	var sweeper sync.WaitGroup
	sweeper.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := s.SweepBuilds(t.Context()); err != nil {
				t.Errorf("sweep: %v", err)
				return
			}
		}
	})
	for range 40 {
		w := newTestWorkplace(t, s.Engine)
		if err := errors.Join(s.removeWorkplace(t.Context(), w), w.lock.Close()); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	sweeper.Wait()
}

// TestPublished: a build stands on no image that goes with another build.
func TestPublished(t *testing.T) {
	one := newTestBuild(t, nil, "FROM scratch\n")
	two := newTestBuild(t, one.Engine, "FROM scratch\n")
	var ids []digest.Digest
	first, second := newTestWorkplace(t, one.Engine), newTestWorkplace(t, one.Engine)
	for i, s := range []*buildStage{one, two, one, two} {
		img, err := s.published(t.Context(), []*workplace{first, second}[i%2])
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, img.ID)
	}
	if ids[0] == ids[1] || !slices.Equal(ids[:2], ids[2:]) {
		t.Errorf("%q", ids)
	}
}
