package store_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/gzip"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// manyImages publishes n images of one layer that they share.
func manyImages(b *testing.B, s *store.Store, n int) {
	b.Helper()
	l := storetest.Gzip(b, layertest.Tar(b, layertest.File("f", "")))
	publications := make([]store.Publication, n)
	for i := range publications {
		img := storetest.NewImageWithConfig(b, ocispec.Image{
			Author: fmt.Sprint(i), Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
			RootFS: ocispec.RootFS{Type: "layers", DiffIDs: digests(l, l, l, l, l)},
		}, l, l, l, l, l)
		img.Put(b, s)
		publications[i] = store.Publication{
			Name: fmt.Sprintf("docker.io/library/box:%d", i), Target: img.Descriptor, Manifests: []ocispec.Descriptor{img.Descriptor},
		}
	}
	if _, err := s.Publish(b.Context(), publications...); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkOpen1000Images(b *testing.B) {
	s := storetest.New(b)
	manyImages(b, s, 1000)
	for b.Loop() {
		opened, err := store.Open(s.Dir())
		if err != nil || len(opened.Snapshot().Images) != 1000 {
			b.Fatal(err)
		}
		opened.Close()
	}
}

func BenchmarkRefresh1000Images(b *testing.B) {
	s := storetest.New(b)
	manyImages(b, s, 1000)
	index := s.Dir() + "/index.json"
	data, err := os.ReadFile(index)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		os.Remove(index)
		if err := os.WriteFile(index, data, 0o644); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if snap, err := s.Refresh(); err != nil || len(snap.Images) != 1000 {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpdate1000Images moves one tag.
func BenchmarkUpdate1000Images(b *testing.B) {
	s := storetest.New(b)
	manyImages(b, s, 1000)
	targets := s.Snapshot().Images[:2]
	for i := 0; b.Loop(); i++ {
		update(b, s, store.Change{Name: box + ":tag", Target: &targets[i%2].Manifest})
	}
}

func BenchmarkCollect1000Images(b *testing.B) {
	s := storetest.New(b)
	manyImages(b, s, 1000)
	for b.Loop() {
		collect(b, s)
	}
}

func BenchmarkRefreshUnchanged(b *testing.B) {
	s := storetest.New(b)
	manyImages(b, s, 10)
	for b.Loop() {
		s.Refresh()
	}
}

// benchTar is the layer to ingest: $IMAGEFS_BENCH_TAR, or one that is made.
func benchTar(b *testing.B) []byte {
	b.Helper()
	if path := os.Getenv("IMAGEFS_BENCH_TAR"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
	var entries []layertest.Entry
	for i := range 2000 {
		text := bytes.Repeat([]byte(noise(500, byte(i))+"some words to compress "), 30)
		entries = append(entries, layertest.File(fmt.Sprintf("dir/%d", i), string(text)))
	}
	return layertest.Tar(b, entries...)
}

// BenchmarkIngest compares storing a layer with decompressing it to nowhere.
func BenchmarkIngest(b *testing.B) {
	tar := benchTar(b)
	l := storetest.Gzip(b, tar)
	b.Run("gunzip", func(b *testing.B) {
		b.SetBytes(int64(len(tar)))
		for b.Loop() {
			z, err := gzip.NewReader(bufio.NewReaderSize(bytes.NewReader(l.Blob), 64<<10))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, z); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ingest", func(b *testing.B) {
		b.SetBytes(int64(len(tar)))
		for b.Loop() {
			b.StopTimer()
			s := storetest.Open(b, b.TempDir())
			b.StartTimer()
			l.Ingest(b, s)
		}
	})
}
