package archive_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/imagefs/imagefs/store/archive"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// TestSizeOfALayer reads a manifest that gives a layer a wrong size: one that the archive has, and one that is stored.
func TestSizeOfALayer(t *testing.T) {
	right := storetest.Gzip(t, layertest.Tar(t, layertest.File("a", "a")))
	wrong := right
	wrong.Descriptor.Size++
	entries := layoutEntries(t, storetest.NewImage(t, wrong), "web:v1")
	path := write(t, filepath.Join(t.TempDir(), "x.tar"), layertest.Tar(t, entries...))
	for _, stored := range []bool{false, true} {
		s := storetest.New(t)
		if stored {
			storetest.NewImage(t, right).Publish(t, s, "docker.io/library/right:1")
		}
		c, err := readFile(t, s, path)
		var damaged *archive.DamagedError
		if !errors.As(err, &damaged) {
			t.Errorf("stored: %v: %v", stored, err)
		}
		if err == nil {
			c.Close()
		}
	}
}

// TestTwoSizesOfALayer has two manifests of one layer, the second of which gives it a wrong size.
func TestTwoSizesOfALayer(t *testing.T) {
	right := storetest.Gzip(t, layertest.Tar(t, layertest.File("a", "a")))
	wrong := right
	wrong.Descriptor.Size++
	images := []storetest.Image{storetest.NewImage(t, right), storetest.NewImage(t, wrong)}
	x := storetest.NewIndex(t, images[0].Descriptor, images[1].Descriptor)
	entries := layoutEntries(t, images[0], "")
	entries = append(entries, blob(images[1].Manifest), blob(x.Raw),
		document(t, "index.json", object{"manifests": []any{x.Descriptor}}))
	c, err := readFile(t, storetest.New(t), write(t, filepath.Join(t.TempDir(), "x.tar"), layertest.Tar(t, entries...)))
	var damaged *archive.DamagedError
	if !errors.As(err, &damaged) {
		t.Errorf("error %v", err)
	}
	if err == nil {
		c.Close()
	}
}
