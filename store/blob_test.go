package store_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestBlob(t *testing.T) {
	s := storetest.New(t)
	data := []byte("{}")
	d := digest.FromBytes(data)
	if _, err := s.Blob(d); !errors.Is(err, store.ErrNotFound) || s.HasBlob(d) {
		t.Errorf("absent: %v", err)
	}
	if err := s.PutBlob(d, []byte("[]")); !isDigest(err) {
		t.Errorf("other bytes: %v", err)
	}
	for range 2 {
		if err := s.PutBlob(d, data); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Blob(d); err != nil || !bytes.Equal(got, data) || !s.HasBlob(d) {
		t.Errorf("%q, %v", got, err)
	}
	damage(t, blobFile(s, d), 0)
	if _, err := s.Blob(d); !isCorrupt(err) {
		t.Errorf("damaged: %v", err)
	}
	if _, err := s.OpenBlob(d); !isCorrupt(err) {
		t.Errorf("damaged: %v", err)
	}
	if err := s.PutBlob(d, data); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Blob(d); err != nil {
		t.Errorf("put again: %v", err)
	}
}

func TestLinkBlob(t *testing.T) {
	s, dir := storetest.New(t), filepath.Join(t.TempDir(), "layout")
	data := []byte("{}")
	d := digest.FromBytes(data)
	if err := s.LinkBlob(d, dir); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("absent: %v", err)
	}
	if err := s.PutBlob(d, data); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.LinkBlob(d, dir); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(dir, "blobs", "sha256", d.Encoded())
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Blob(d); err != nil {
		t.Errorf("it went with its other name: %v", err)
	}
}

// damage changes one byte of a file.
func damage(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestBlobsAreRegularFiles(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"symlink":   func(path string) error { return os.Symlink("/etc/hostname", path) },
		"fifo":      func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"directory": func(path string) error { return os.Mkdir(path, 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			s := storetest.New(t)
			l := storetest.Gzip(t, layertest.Tar(t, layertest.File("f", "")))
			if err := make(blobFile(s, l.Descriptor.Digest)); err != nil {
				t.Fatal(err)
			}
			if s.HasBlob(l.Descriptor.Digest) {
				t.Error("it counts as a blob")
			}
			if _, err := s.Blob(l.Descriptor.Digest); err == nil {
				t.Error("it was read")
			}
			if _, err := s.OpenBlob(l.Descriptor.Digest); err == nil {
				t.Error("it was opened")
			}
		})
	}
}

func TestOpenBlobReadsAnyRange(t *testing.T) {
	s := storetest.New(t)
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 300_000} {
		data := []byte(noise(size, 1))
		d := digest.FromBytes(data)
		if err := s.PutBlob(d, data); err != nil {
			t.Fatal(err)
		}
		r, err := s.OpenBlob(d)
		if err != nil {
			t.Fatal(err)
		}
		if r.Size() != int64(size) {
			t.Errorf("size %d, not %d", r.Size(), size)
		}
		for _, off := range []int{0, 1, 1000, 64<<10 - 1, 64 << 10, 64<<10 + 1, size - 1, size, size + 1} {
			for _, n := range []int{0, 1, 4096, 64 << 10, 200_000} {
				if off < 0 {
					continue
				}
				checkRead(t, r, data, off, n)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func checkRead(t *testing.T, r io.ReaderAt, data []byte, off, n int) {
	t.Helper()
	want := make([]byte, n)
	wantN, wantErr := bytes.NewReader(data).ReadAt(want, int64(off))
	got := make([]byte, n)
	gotN, err := r.ReadAt(got, int64(off))
	if n > 0 && err != wantErr || gotN != wantN || !bytes.Equal(got[:gotN], want[:wantN]) {
		t.Errorf("%d bytes at %d of %d: %d, %v; want %d, %v", n, off, len(data), gotN, err, wantN, wantErr)
	}
}

func TestDamagedBlobIsNeverRead(t *testing.T) {
	s := storetest.New(t)
	l := storetest.Gzip(t, bigLayer(t, 1))
	l.Ingest(t, s)
	const at = 1<<20 + 17
	damage(t, blobFile(s, l.Descriptor.Digest), at)
	r, err := s.OpenBlob(l.Descriptor.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := make([]byte, len(l.Blob))
	n, err := r.ReadAt(got, 0)
	if !isCorrupt(err) || n != at&^(64<<10-1) || !bytes.Equal(got[:n], l.Blob[:n]) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := r.ReadAt(got[:1], at+100); !isCorrupt(err) {
		t.Errorf("one byte of that block: %v", err)
	}
	if n, err := r.ReadAt(got, 1<<21); err != io.EOF || !bytes.Equal(got[:n], l.Blob[1<<21:]) {
		t.Errorf("the blocks after it: %d, %v", n, err)
	}
	remove(t, s, "checksums")
	if _, err := s.OpenBlob(l.Descriptor.Digest); !isCorrupt(err) {
		t.Errorf("without checksums: %v", err)
	}
	if err := os.Truncate(blobFile(s, l.Descriptor.Digest), 1<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadAt(got, 1<<21); !isCorrupt(err) {
		t.Errorf("cut short: %v", err)
	}
}

func TestDamagedChecksumsAreMadeAgain(t *testing.T) {
	s := storetest.New(t)
	data := []byte(noise(150_000, 1))
	d := digest.FromBytes(data)
	if err := s.PutBlob(d, data); err != nil {
		t.Fatal(err)
	}
	readWhole(t, s, d, len(data))
	path := filepath.Join(s.Dir(), "checksums", "sha256", d.Encoded())
	good := readAll(t, path)
	for at := range int64(len(good)) {
		damage(t, path, at)
		readWhole(t, s, d, len(data))
		if !bytes.Equal(readAll(t, path), good) {
			t.Fatalf("byte %d: not made again", at)
		}
	}
}

func readWhole(t *testing.T, s *store.Store, d digest.Digest, size int) {
	t.Helper()
	r, err := s.OpenBlob(d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := r.ReadAt(make([]byte, size), 0); n != size {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestDamagedLayerBlobIsNotUnpacked(t *testing.T) {
	s := storetest.New(t)
	l := storetest.Gzip(t, bigLayer(t, 1))
	l.Ingest(t, s)
	remove(t, s, "layers")
	damage(t, blobFile(s, l.Descriptor.Digest), 1<<20)
	if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, nil, nil); !isCorrupt(err) {
		t.Errorf("ingest: %v", err)
	}
	l.Ingest(t, s) // with a source
	readWhole(t, s, l.Descriptor.Digest, len(l.Blob))
}
