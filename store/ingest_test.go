package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// noise is n bytes that do not compress, and are the same for the same seed.
func noise(n int, seed byte) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return string(b)
}

// bigLayer has a small file and one that is stored by its digest.
func bigLayer(t testing.TB, seed byte) []byte {
	return layertest.Tar(t, layertest.File("small", "1"), layertest.File("large", noise(3<<20, seed)))
}

// counted is a source that counts the bytes it gave, and remembers where it was asked to start.
type counted struct {
	blob    []byte
	given   int64
	offsets []int64
}

func (c *counted) source(_ context.Context, offset int64) (io.ReadCloser, error) {
	c.offsets = append(c.offsets, offset)
	return io.NopCloser(io.TeeReader(bytes.NewReader(c.blob[offset:]), c)), nil
}

func (c *counted) Write(p []byte) (int, error) {
	c.given += int64(len(p))
	return len(p), nil
}

func TestIngestAsksOnce(t *testing.T) {
	s := storetest.New(t)
	l := storetest.Gzip(t, bigLayer(t, 1))
	c := counted{blob: l.Blob}
	var last int64
	for range 2 {
		if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, c.source, func(done int64) { last = done }); err != nil {
			t.Fatal(err)
		}
		if last != l.Descriptor.Size {
			t.Errorf("progress ended at %d of %d", last, l.Descriptor.Size)
		}
	}
	if c.given != l.Descriptor.Size {
		t.Errorf("asked for %d bytes of %d", c.given, l.Descriptor.Size)
	}
	checkNoLeftovers(t, s)
}

// checkNoLeftovers fails if an ingest left anything that is not stored for good.
func checkNoLeftovers(t *testing.T, s *store.Store) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.Dir(), "ingest"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Base(path)[:4] != "tmp-" {
			t.Errorf("left over: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestIngestResumes(t *testing.T) {
	dir := t.TempDir()
	l := storetest.Gzip(t, bigLayer(t, 1))
	cut := l.Descriptor.Size * 2 / 3
	lost := errors.New("connection lost")
	failing := func(_ context.Context, offset int64) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(l.Blob[:cut]), iotest.ErrReader(lost))), nil
	}
	s := storetest.Open(t, dir)
	if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, failing, nil); !errors.Is(err, lost) {
		t.Fatalf("cut download: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = storetest.Open(t, dir)
	c := counted{blob: l.Blob}
	first := int64(-1)
	err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, c.source, func(done int64) {
		if first < 0 {
			first = done
		}
	})
	if err != nil || len(c.offsets) != 1 || c.offsets[0] != cut || first != cut {
		t.Errorf("asked from %v, progress from %d, not %d: %v", c.offsets, first, cut, err)
	}
	checkNoLeftovers(t, s)
}

func TestIngestStartsAgainWhereThePartIsWrong(t *testing.T) {
	s := storetest.New(t)
	l := storetest.Gzip(t, bigLayer(t, 1))
	for name, part := range map[string][]byte{
		"other bytes": []byte(noise(1000, 2)),
		"zeros":       append(bytes.Clone(l.Blob[:1000]), make([]byte, 1000)...),
		"too long":    make([]byte, len(l.Blob)+1),
		"all, wrong":  make([]byte, len(l.Blob)),
	} {
		t.Run(name, func(t *testing.T) {
			s = storetest.New(t)
			path := filepath.Join(s.Dir(), "ingest", l.Descriptor.Digest.Encoded())
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, part, 0o644); err != nil {
				t.Fatal(err)
			}
			l.Ingest(t, s)
			checkNoLeftovers(t, s)
		})
	}
}

func TestIngestCompletesWhatIsMissing(t *testing.T) {
	tar := bigLayer(t, 1)
	gz, zst, plain := storetest.Gzip(t, tar), storetest.Zstd(t, tar), storetest.Tar(tar)
	s := storetest.New(t)
	unasked := func(context.Context, int64) (io.ReadCloser, error) { return nil, errors.New("asked") }

	gz.Ingest(t, s)
	zst.Ingest(t, s) // the layer is there, the blob is not
	if !s.HasBlob(zst.Descriptor.Digest) {
		t.Error("the second blob is missing")
	}
	remove(t, s, "layers")
	if err := s.IngestLayer(t.Context(), gz.Descriptor, gz.DiffID, unasked, nil); err != nil {
		t.Errorf("from the stored blob: %v", err)
	}

	s = storetest.New(t)
	plain.Ingest(t, s)
	if _, err := os.Stat(filepath.Join(s.Dir(), "layers", plain.DiffID.Encoded(), "pack")); err == nil {
		t.Error("an uncompressed blob was packed")
	}
	if err := os.Remove(blobFile(s, plain.DiffID)); err != nil {
		t.Fatal(err)
	}
	gz.Ingest(t, s) // the layer is there, the blob that has its payloads is not
	got, err := s.Layer(gz.DiffID)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := got.ReadAt(1, make([]byte, 3<<20), 0); n != 3<<20 {
		t.Errorf("read %d bytes: %v", n, err)
	}
}

func remove(t *testing.T, s *store.Store, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(s.Dir(), name)); err != nil {
		t.Fatal(err)
	}
}

func TestIngestKeepsWhatCameBeforeAShortEnd(t *testing.T) {
	s := storetest.New(t)
	l := storetest.Gzip(t, bigLayer(t, 1))
	short := func(context.Context, int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(l.Blob[:5000])), nil
	}
	if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, short, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("short: %v", err)
	}
	c := counted{blob: l.Blob}
	if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, c.source, nil); err != nil || c.offsets[0] != 5000 {
		t.Errorf("asked from %v: %v", c.offsets, err)
	}
}

// stalling gives the first half of a blob, and then nothing until its context ends.
type stalling struct {
	blob    []byte
	reached chan struct{}
}

func (s stalling) source(ctx context.Context, offset int64) (io.ReadCloser, error) {
	half := bytes.NewReader(s.blob[offset : len(s.blob)/2])
	return io.NopCloser(io.MultiReader(half, readerFunc(func([]byte) (int, error) {
		close(s.reached)
		<-ctx.Done()
		return 0, ctx.Err()
	}))), nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestIngestIsCancelled(t *testing.T) {
	s := storetest.New(t)
	l := storetest.Gzip(t, bigLayer(t, 1))
	slow := stalling{l.Blob, make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.IngestLayer(ctx, l.Descriptor, l.DiffID, slow.source, nil) }()
	<-slow.reached
	start := time.Now()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || time.Since(start) > time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	c := counted{blob: l.Blob}
	if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, c.source, nil); err != nil || c.offsets[0] != int64(len(l.Blob)/2) {
		t.Errorf("asked from %v: %v", c.offsets, err)
	}
}

func TestWrongBytesDoNotHideTheCancel(t *testing.T) {
	s := storetest.New(t)
	l := storetest.Tar([]byte(noise(2<<20, 1)))
	slow := stalling{l.Blob, make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.IngestLayer(ctx, l.Descriptor, l.DiffID, slow.source, nil) }()
	<-slow.reached
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestSecondCallerWaits(t *testing.T) {
	s := storetest.New(t)
	other := storetest.Open(t, s.Dir()) // locks as another process would
	l := storetest.Gzip(t, bigLayer(t, 1))
	var mu sync.Mutex
	c := counted{blob: l.Blob}
	source := func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		mu.Lock()
		defer mu.Unlock()
		return c.source(ctx, offset)
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if err := []*store.Store{s, other}[i%2].IngestLayer(t.Context(), l.Descriptor, l.DiffID, source, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(c.offsets) != 1 || c.given != l.Descriptor.Size {
		t.Errorf("asked from %v for %d bytes", c.offsets, c.given)
	}
	checkNoLeftovers(t, s)
}

func TestWaitingIsCancelled(t *testing.T) {
	s := storetest.New(t)
	l := storetest.Gzip(t, bigLayer(t, 1))
	slow := stalling{l.Blob, make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { s.IngestLayer(ctx, l.Descriptor, l.DiffID, slow.source, nil) })
	<-slow.reached
	soon, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	var seen int64
	err := s.IngestLayer(soon, l.Descriptor, l.DiffID, l.Source, func(done int64) { seen = done })
	if !errors.Is(err, context.DeadlineExceeded) || seen != int64(len(l.Blob)/2) {
		t.Errorf("progress %d: %v", seen, err)
	}
}
