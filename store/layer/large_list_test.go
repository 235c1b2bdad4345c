package layer_test

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

func TestLarge(t *testing.T) {
	var entries []layertest.Entry
	var want []digest.Digest
	for i := range 200 {
		content := "small"
		if i%90 == 7 {
			content = text(uint64(i), 1<<20+i)
			want = append(want, digest.FromString(content))
		}
		entries = append(entries, layertest.File(string(rune('a'+i%26))+digest.FromString(content).Encoded()[:8], content))
	}
	tar := layertest.Tar(t, entries...)
	for _, inBlob := range []bool{false, true} {
		dir := t.TempDir()
		o := layer.UnpackOptions{Large: &layertest.Store{Dir: t.TempDir()}, InBlob: inBlob}
		if _, err := layer.Unpack(t.Context(), dir, bytes.NewReader(tar), o); err != nil {
			t.Fatal(err)
		}
		if inBlob {
			want = nil
		}
		if got, err := layer.Large(dir); err != nil || !slices.Equal(got, want) {
			t.Errorf("in the blob %v: %v, %v; want %v", inBlob, got, err, want)
		}
	}
	if _, err := layer.Large(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no layer: %v", err)
	}
}
