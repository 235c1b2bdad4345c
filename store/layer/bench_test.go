package layer_test

import (
	"context"
	"os"
	"testing"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// BenchmarkUnpack unpacks the tar that LAYER_TAR names.
func BenchmarkUnpack(b *testing.B) {
	path := os.Getenv("LAYER_TAR")
	if path == "" {
		b.Skip("LAYER_TAR names no tar to unpack")
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	for b.Loop() {
		unpackFile(b, path)
	}
}

func unpackFile(b *testing.B, path string) {
	b.StopTimer()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	dir, large := tempDir(b), tempDir(b)
	defer os.RemoveAll(dir)
	defer os.RemoveAll(large)
	b.StartTimer()
	_, err = layer.Unpack(context.Background(), dir, f, layer.UnpackOptions{Large: &layertest.Store{Dir: large}})
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
}

func tempDir(b *testing.B) string {
	dir, err := os.MkdirTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	return dir
}
