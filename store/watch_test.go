package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

type change struct{ old, new *store.Snapshot }

// watch watches until the test ends; one change a value.
func watch(t *testing.T, s *store.Store) <-chan change {
	t.Helper()
	changes := make(chan change, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- s.Watch(ctx, func(old, new *store.Snapshot) { changes <- change{old, new} })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("watch: %v", err)
		}
	})
	return changes
}

func next(t *testing.T, changes <-chan change) change {
	t.Helper()
	select {
	case c := <-changes:
		return c
	case <-time.After(10 * time.Second):
		t.Fatal("no change was seen")
		return change{}
	}
}

func TestWatch(t *testing.T) {
	s := storetest.New(t)
	other := storetest.Open(t, s.Dir())
	mine, theirs := watch(t, s), watch(t, other)
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", ""))))
	img.Publish(t, s, "docker.io/library/box:1")
	for who, changes := range map[string]<-chan change{"the publisher": mine, "another": theirs} {
		c := next(t, changes)
		if len(c.old.Images) != 0 || c.new.Image(img.ID) == nil || c.new.Reference("docker.io/library/box:1") == nil {
			t.Errorf("%s saw %v become %v", who, c.old.References, c.new.References)
		}
	}
	old := s.Snapshot()
	img.Publish(t, other, "docker.io/library/box:2")
	if c := next(t, mine); c.old != old || c.new.Reference("docker.io/library/box:2") == nil || c.new.Images[0] != old.Images[0] {
		t.Errorf("then %v", c.new.References)
	}
}

func TestWatchSeesRebuiltFiles(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", ""))))
	number := img.Publish(t, s, "docker.io/library/box:1").Number
	for _, name := range []string{"layers", "trees", "checksums", "files"} {
		remove(t, s, name)
	}
	other := storetest.Open(t, s.Dir())
	if len(other.Snapshot().Images) != 0 {
		t.Fatal("an image without its layers")
	}
	changes := watch(t, other)
	if err := storetest.Open(t, s.Dir()).Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := next(t, changes); len(c.new.Images) != 1 || c.new.Images[0].Number != number {
		t.Errorf("images %v", c.new.Images)
	}
}

func TestRefreshKeepsTheLastGoodState(t *testing.T) {
	s := storetest.New(t)
	storetest.NewImage(t).Publish(t, s, "docker.io/library/box:1")
	path := filepath.Join(s.Dir(), "index.json")
	good := readAll(t, path)
	if err := os.WriteFile(path, good[:len(good)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Refresh(); err == nil || len(s.Snapshot().Images) != 1 {
		t.Errorf("half an index: %v, %v", s.Snapshot().Images, err)
	}
	if err := os.WriteFile(path, good, 0o644); err != nil {
		t.Fatal(err)
	}
	if snap, err := s.Refresh(); err != nil || len(snap.Images) != 1 {
		t.Errorf("whole again: %v, %v", snap, err)
	}
}
