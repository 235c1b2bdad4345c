package imagefs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/container"
)

// TestMakeSite has another build remove the directory before it is locked.
func TestMakeSite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "building", "site")
	other, err := makeSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockFile(filepath.Join(dir, siteLock), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("it was locked twice: %v", err)
	}
	made := make(chan *os.File)
	go func() {
		lock, err := makeSite(dir)
		if err != nil {
			t.Error(err)
		}
		made <- lock
	}()
	time.Sleep(20 * time.Millisecond) // so that it waits for the lock
	if err := errors.Join(os.RemoveAll(dir), other.Close()); err != nil {
		t.Fatal(err)
	}
	lock := <-made
	defer lock.Close()
	locked, err := lock.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if named, err := os.Stat(filepath.Join(dir, siteLock)); err != nil || !os.SameFile(locked, named) {
		t.Errorf("the lock is of no file: %v", err)
	}
}

// TestSweepSites finds what a removal left that failed, and one that was cut short.
func TestSweepSites(t *testing.T) {
	s := newTestBuild(t, nil, "FROM scratch\n")
	id := container.NewID()
	c, err := container.Create(s.building(), container.Container{
		ID: id, Name: id[:12], Image: digest.FromString("image"), Config: []byte("{}"),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := &site{engine: s.Engine, container: c, dir: filepath.Join(s.building(), id[:12])}
	if at.lock, err = makeSite(at.dir); err != nil {
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
	gone := filepath.Join(container.Dir(s.building()), ".gone-x")
	if err := os.Mkdir(gone, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := s.sweepSites(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{at.dir, gone, filepath.Dir(c.Rootfs())} {
		if _, err := os.Lstat(left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", left, err)
		}
	}
}

// TestPublished: a build stands on no image that goes with another build.
func TestPublished(t *testing.T) {
	one := newTestBuild(t, nil, "FROM scratch\n")
	two := newTestBuild(t, one.Engine, "FROM scratch\n")
	var ids []digest.Digest
	for _, s := range []*buildStage{one, two, one, two} {
		img, err := s.published(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, img.ID)
	}
	if ids[0] == ids[1] || !slices.Equal(ids[:2], ids[2:]) {
		t.Errorf("%q", ids)
	}
}

// TestSitesComeAndGo has a build look for what is left while others make and remove their sites.
func TestSitesComeAndGo(t *testing.T) {
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
			if err := s.sweepSites(t.Context()); err != nil {
				t.Errorf("sweep: %v", err)
				return
			}
		}
	})
	for range 40 {
		at, err := s.newSite(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := at.remove(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	sweeper.Wait()
}
