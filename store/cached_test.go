package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// TestCacheKeepsLayers removes an image of whose layers one has a record in the build cache: it can be used again.
func TestCacheKeepsLayers(t *testing.T) {
	for name, pack := range map[string]func([]byte) storetest.Layer{
		"gzip": func(tar []byte) storetest.Layer { return storetest.Gzip(t, tar) },
		"tar":  storetest.Tar,
	} {
		t.Run(name, func(t *testing.T) {
			s := storetest.New(t)
			img := storetest.NewImage(t, pack(layertest.Tar(t, layertest.File("a", "a"))), pack(layertest.Tar(t, layertest.File("b", "b"))))
			published := img.Publish(t, s, box+":1")
			dir := filepath.Join(s.Dir(), "build-cache")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{
				"record": fmt.Sprintf(`{"DiffID": %q}`, img.Layers[0].DiffID), "empty": "{}", "damaged": "{", "foreign": `{"DiffID": "../x"}`,
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			update(t, s, store.Change{Remove: published.ID})
			collect(t, s)
			if blob, err := s.FindLayer(img.Layers[0].DiffID); err != nil || blob.Digest != img.Layers[0].Descriptor.Digest {
				t.Errorf("%v, %v", blob, err)
			}
			if _, err := s.FindLayer(img.Layers[1].DiffID); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the other layer: %v", err)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			collect(t, s)
			if left := files(t, s.Dir()); len(left) != 5 {
				t.Errorf("left over: %q", left)
			}
		})
	}
}
