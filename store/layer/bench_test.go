package layer_test

import (
	"context"
	"io"
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

// BenchmarkReadTar reads the tar that LAYER_TAR names back from its layer.
func BenchmarkReadTar(b *testing.B) {
	path := os.Getenv("LAYER_TAR")
	if path == "" {
		b.Skip("LAYER_TAR names no tar to unpack")
	}
	tar, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	l := layertest.Unpack(b, tar)
	p := make([]byte, 128<<10)
	b.SetBytes(l.TarSize())
	for b.Loop() {
		for off := int64(0); off < l.TarSize(); off += int64(len(p)) {
			if _, err := l.ReadTarAt(p, off); err != nil && err != io.EOF {
				b.Fatal(err)
			}
		}
	}
}
