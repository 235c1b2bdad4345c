package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// TestContainersKeepImages removes an image that a working container stands on.
func TestContainersKeepImages(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("a", "a"))))
	published := img.Publish(t, s, "docker.io/library/web:1")
	config := filepath.Join(s.Dir(), "containers", "web", "config.json")
	if err := os.MkdirAll(filepath.Dir(config), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf(`{"Image": %q}`, published.ID))
	_, err := s.Update(t.Context(), func(*store.Snapshot) ([]store.Change, error) {
		return []store.Change{{Remove: published.ID}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Collect(t.Context()); err != nil || len(got.Blobs)+len(got.Layers) > 0 {
		t.Errorf("collected %+v, %v", got, err)
	}
	kept, err := s.Retained(published.ID)
	if err != nil || kept.Number != published.Number || len(kept.Chains) != 1 {
		t.Errorf("%+v, %v", kept, err)
	}
	if tree, err := s.Tree(kept); err != nil || tree.Len() != 2 {
		t.Errorf("its tree: %v", err)
	}
	if _, err := s.InUse(digest.FromString("other")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another image: %v", err)
	}
	pins := openPins(t, s, lockPins(t, s, "mnt"))
	setPins(t, pins, published.ID)
	setPins(t, pins)
	write("damaged")
	if got, err := pins.Set(t.Context(), []digest.Digest{published.ID}); err == nil {
		t.Errorf("pinned %v, although nobody knows what the container stands on", got)
	}
	if _, err := s.Collect(t.Context()); err == nil {
		t.Error("collected, although nobody knows what the container stands on")
	}
	if err := os.RemoveAll(filepath.Dir(config)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Collect(t.Context()); err != nil || len(got.Blobs) != 3 || len(got.Layers) != 1 {
		t.Errorf("collected %+v, %v", got, err)
	}
}
