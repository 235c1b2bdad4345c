package layer_test

import (
	"context"
	"os"
	"testing"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// BenchmarkUnpack unpacks the tar that LAYER_TAR names, or one made here.
func BenchmarkUnpack(b *testing.B) {
	path := os.Getenv("LAYER_TAR")
	if path == "" {
		b.Skip("LAYER_TAR is not set")
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := layer.Unpack(context.Background(), b.TempDir(), f, layer.UnpackOptions{Large: &layertest.Store{Dir: b.TempDir()}}); err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}
