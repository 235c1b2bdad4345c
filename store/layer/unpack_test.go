package layer_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

func TestTarIsReproduced(t *testing.T) {
	b := everything(t)
	forms(t, b, func(t *testing.T, l *layer.Layer) {
		if l.DiffID() != digest.FromBytes(b) || l.TarSize() != int64(len(b)) {
			t.Errorf("diffID %s of %d bytes, want %s of %d", l.DiffID(), l.TarSize(), digest.FromBytes(b), len(b))
		}
		for _, r := range readings(l.TarSize()) {
			checkRead(t, r, b, l.ReadTarAt)
		}
	})
}

// TestContent compares with what archive/tar reads.
func TestContent(t *testing.T) {
	b := everything(t)
	forms(t, b, func(t *testing.T, l *layer.Layer) {
		files := entries(t, l)
		r := tar.NewReader(bytes.NewReader(b))
		for h, err := r.Next(); err == nil; h, err = r.Next() {
			i, ok := files[h.Name]
			if h.Size > 1<<30 || !ok || entryAt(t, l, i).Type != layer.Regular {
				continue
			}
			want, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(filepath.Base(h.Name), func(t *testing.T) {
				checkFile(t, l, i, want)
			})
		}
	})
}

func checkFile(t *testing.T, l *layer.Layer, i int, want []byte) {
	t.Helper()
	if d, err := l.Digest(i); err != nil || d != digest.FromBytes(want) {
		t.Errorf("digest %s, %v", d, err)
	}
	if size := entryAt(t, l, i).Attr.Size; size != int64(len(want)) {
		t.Errorf("size %d, want %d", size, len(want))
	}
	for _, r := range readings(int64(len(want))) {
		checkRead(t, r, want, func(p []byte, off int64) (int, error) { return l.ReadAt(i, p, off) })
	}
}

type reading struct{ off, n int64 }

// readings are places that matter in something of that size: its ends, the borders of blocks, and many in between.
func readings(size int64) []reading {
	list := []reading{{0, size}, {0, size + 1}, {size, 1}, {size + 5, 1}, {max(0, size-1), 10}, {0, 1}, {0, 0}}
	for off := int64(0); off <= size; off += (size/(16<<10)/8 + 1) << 14 {
		list = append(list, reading{off, 16 << 10}, reading{max(0, off-1), 2}, reading{off, 128 << 10}, reading{off + 1, 40_000})
	}
	for off := int64(0); off < size; off += size/17 + 1 {
		list = append(list, reading{off, size / 13}, reading{off, 513})
	}
	return list
}

func checkRead(t *testing.T, r reading, want []byte, readAt func([]byte, int64) (int, error)) {
	t.Helper()
	p := bytes.Repeat([]byte{0xa5}, int(r.n))
	n, err := readAt(p, r.off)
	rest := want[min(r.off, int64(len(want))):]
	rest = rest[:min(r.n, int64(len(rest)))]
	if !bytes.Equal(p[:n], rest) {
		t.Fatalf("%d bytes at %d: got %d, and they differ or are too few", r.n, r.off, n)
	}
	short := int64(n) < r.n || r.off >= int64(len(want))
	if short && err != io.EOF || !short && err != nil && err != io.EOF {
		t.Fatalf("%d bytes at %d: got %d, %v", r.n, r.off, n, err)
	}
}

func TestNegativeOffset(t *testing.T) {
	l := layertest.Unpack(t, layertest.Tar(t, layertest.File("a", "b")))
	if _, err := l.ReadAt(0, make([]byte, 1), -1); err == nil || err == io.EOF {
		t.Errorf("ReadAt: %v", err)
	}
	if _, err := l.ReadTarAt(make([]byte, 1), -1); err == nil || err == io.EOF {
		t.Errorf("ReadTarAt: %v", err)
	}
}

func TestWrongEntry(t *testing.T) {
	l := layertest.Unpack(t, layertest.Tar(t, layertest.Dir("d"), layertest.Symlink("s", "d")))
	for _, i := range []int{-1, 0, 1, 2} {
		if _, err := l.ReadAt(i, make([]byte, 1), 0); err == nil || isCorrupt(err) {
			t.Errorf("ReadAt of entry %d: %v", i, err)
		}
		if _, err := l.Digest(i); err == nil || isCorrupt(err) {
			t.Errorf("Digest of entry %d: %v", i, err)
		}
		if _, _, err := l.Target(i); err == nil || isCorrupt(err) {
			t.Errorf("Target of entry %d: %v", i, err)
		}
	}
	if _, err := l.Attr(2); err == nil || isCorrupt(err) {
		t.Errorf("Attr of an entry that does not exist: %v", err)
	}
}

func TestEmptyStreams(t *testing.T) {
	for _, n := range []int{0, 512, 1024, 10240, 100_000} {
		forms(t, make([]byte, n), func(t *testing.T, l *layer.Layer) {
			if l.Len() != 0 || l.Size() != 0 || l.TarSize() != int64(n) {
				t.Errorf("%d zeros: %d entries of %d bytes in %d", n, l.Len(), l.Size(), l.TarSize())
			}
			if d, err := tarDigest(l); err != nil || d != l.DiffID() {
				t.Errorf("%d zeros: %s, %v", n, d, err)
			}
		})
	}
}

// TestDeterministic wants the same files from the same tar, whatever the sizes in which the stream gives it.
func TestDeterministic(t *testing.T) {
	b := everything(t)
	for _, inBlob := range []bool{false, true} {
		o := layer.UnpackOptions{Large: &layertest.Store{Dir: t.TempDir()}, InBlob: inBlob}
		first, second := t.TempDir(), t.TempDir()
		if _, err := layer.Unpack(t.Context(), first, bytes.NewReader(b), o); err != nil {
			t.Fatal(err)
		}
		if _, err := layer.Unpack(t.Context(), second, &slow{bytes.NewReader(b)}, o); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(first)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{false: 3, true: 1}[inBlob]; len(files) != want {
			t.Errorf("%d files, want %d", len(files), want)
		}
		for _, f := range files {
			one, _ := os.ReadFile(filepath.Join(first, f.Name()))
			other, err := os.ReadFile(filepath.Join(second, f.Name()))
			if err != nil || !bytes.Equal(one, other) {
				t.Errorf("%s differs (%v)", f.Name(), err)
			}
		}
	}
}

// slow gives a few bytes at once.
type slow struct{ r io.Reader }

func (s *slow) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 4099)]) }

func TestStreamError(t *testing.T) {
	broken := errors.New("broken")
	b := everything(t)
	for _, cause := range []error{broken, io.ErrUnexpectedEOF} {
		for _, n := range []int{0, 100, 5000, 1_000_000, len(b)} {
			err := unpack(t, io.MultiReader(bytes.NewReader(b[:n]), failing{cause}))
			if err != cause {
				t.Errorf("after %d bytes: %v", n, err)
			}
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestCancel ends the context in the middle of a stream that has no end.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	head := layertest.Tar(t, layertest.File("a", text(1, 3<<20)))
	stream := io.MultiReader(bytes.NewReader(head), &endless{after: 100, then: cancel})
	o := layer.UnpackOptions{Large: &layertest.Store{Dir: t.TempDir()}}
	if _, err := layer.Unpack(ctx, t.TempDir(), stream, o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type endless struct {
	after int
	then  func()
}

func (e *endless) Read(p []byte) (int, error) {
	if e.after--; e.after == 0 {
		e.then()
	}
	return len(p), nil
}

// TestFailureLeavesNoLargeFile checks that Discard is called.
func TestFailureLeavesNoLargeFile(t *testing.T) {
	b := layertest.Tar(t, layertest.File("a", text(1, 3<<20)))
	large := &layertest.Store{Dir: t.TempDir()}
	_, err := layer.Unpack(t.Context(), t.TempDir(), bytes.NewReader(b[:2<<20]), layer.UnpackOptions{Large: large})
	if !isFormatError(err) {
		t.Error(err)
	}
	if files, _ := os.ReadDir(large.Dir); len(files) > 0 {
		t.Errorf("%d files are left", len(files))
	}
}

func TestTruncated(t *testing.T) {
	b := everything(t)
	end := bytes.LastIndex(b, []byte("trailing")) - 1024
	for n := 0; n < end; n += 97 + n/64 {
		err := unpack(t, bytes.NewReader(b[:n]))
		if err != nil && !isFormatError(err) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if n%512 != 0 && err == nil && !paddingEnds(b, n) {
			t.Errorf("%d bytes are taken for a layer", n)
		}
	}
}

// paddingEnds tells whether b is cut within padding, which is as good as the end.
func paddingEnds(b []byte, n int) bool {
	return len(bytes.Trim(b[n:n+512-n%512], "\x00")) == 0
}
