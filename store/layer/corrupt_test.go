package layer_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// stored is a layer on disk with all the files that it consists of.
type stored struct {
	dir    string
	diffID digest.Digest
	large  *layertest.Store
	want   string // what contents returns
}

func store(t *testing.T, b []byte, inBlob bool) *stored {
	t.Helper()
	s := &stored{dir: t.TempDir(), diffID: digest.FromBytes(b), large: &layertest.Store{Dir: t.TempDir()}}
	if inBlob {
		s.large.PutBlob(t, b)
	}
	o := layer.UnpackOptions{Large: s.large, InBlob: inBlob}
	if _, err := layer.Unpack(context.Background(), s.dir, bytes.NewReader(b), o); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.want, err = s.read(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stored) open() (*layer.Layer, error) { return layer.Open(s.dir, s.diffID, s.large) }

// read opens the layer and reads all of it.
func (s *stored) read() (string, error) {
	l, err := s.open()
	if err != nil {
		return "", err
	}
	defer l.Close()
	return contents(l)
}

func (s *stored) files(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, dir := range []string{s.dir, s.large.Dir} {
		list, err := filepath.Glob(dir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, list...)
	}
	return files
}

// small is a tar without large files; what it lacks is in everything.
func small(t testing.TB) []byte {
	t.Helper()
	return layertest.Tar(t,
		layertest.Dir("d").WithXattr("user.d", "d"),
		layertest.File("d/small", text(1, 3000)),
		layertest.File("d/blocks", text(2, 40_000)).WithXattr("security.capability", "\x01\x00\x00\x02"),
		layertest.Link("d/link", "d/small"),
		layertest.Symlink("s", "d"),
		layertest.Whiteout("w"),
		layertest.Sparse(layertest.SparsePAX10, "sparse", 30_000, layertest.Extent{Offset: 7000, Data: text(3, 5000)}))
}

func TestFlippedByte(t *testing.T) {
	for _, test := range []struct {
		name   string
		tar    []byte
		inBlob bool
		stride int64
	}{
		{"small", small(t), false, 61},
		{"small blob", small(t), true, 211},
		{"large", everything(t), false, 70_001},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := store(t, test.tar, test.inBlob)
			for _, path := range s.files(t) {
				flipEach(t, s, path, test.stride)
			}
		})
	}
}

// flipEach flips one byte after the other, each under an open layer and before one is opened.
func flipEach(t *testing.T, s *stored, path string, stride int64) {
	t.Helper()
	l, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	noticed := 0
	for off := int64(0); off < info.Size(); off += stride {
		flip(t, f, off)
		opened, err := contents(l)
		s.judge(t, opened, err, path, off)
		if err != nil {
			noticed++
		}
		again, err := s.read()
		s.judge(t, again, err, path, off)
		flip(t, f, off)
	}
	if noticed == 0 {
		t.Errorf("%s: no damage was noticed", filepath.Base(path))
	}
	if got, err := contents(l); err != nil || got != s.want {
		t.Errorf("%s: not as before: %v", filepath.Base(path), err)
	}
}

func (s *stored) judge(t *testing.T, got string, err error, path string, off int64) {
	t.Helper()
	if err != nil && !isCorrupt(err) || err == nil && got != s.want {
		t.Errorf("%s, byte %d: wrong result, or error %v", filepath.Base(path), off, err)
	}
}

func flip(t *testing.T, f *os.File, off int64) {
	t.Helper()
	var b [1]byte
	if _, err := f.ReadAt(b[:], off); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b[:], off); err != nil {
		t.Fatal(err)
	}
}

func TestTruncatedFiles(t *testing.T) {
	for _, inBlob := range []bool{false, true} {
		for _, under := range []string{"open", "closed"} {
			s := store(t, everything(t), inBlob)
			for _, path := range s.files(t) {
				t.Run(under+"/"+filepath.Base(path)[:4], func(t *testing.T) { truncateEach(t, s, path, under == "open") })
			}
		}
	}
}

// truncateEach wants an error for every length that is less than all.
func truncateEach(t *testing.T, s *stored, path string, open bool) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 4100, len(whole) / 2, len(whole) - 4100, len(whole) - 1} {
		if n < 0 || n >= len(whole) {
			continue
		}
		l, err := s.open()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, int64(n)); err != nil {
			t.Fatal(err)
		}
		if open {
			_, err = contents(l)
		} else {
			_, err = s.read()
		}
		if !isCorrupt(err) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMissingFiles(t *testing.T) {
	for _, inBlob := range []bool{false, true} {
		s := store(t, everything(t), inBlob)
		for _, path := range s.files(t) {
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			_, err := s.read()
			if filepath.Base(path) == "index" {
				if !os.IsNotExist(err) {
					t.Errorf("index: %v", err)
				}
			} else if !isCorrupt(err) || !strings.Contains(err.Error(), "missing") {
				t.Errorf("%s: %v", filepath.Base(path), err)
			}
			if err := os.Rename(path+".away", path); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestOpenOtherLayer(t *testing.T) {
	s := store(t, small(t), false)
	s.diffID = digest.FromString("another")
	if _, err := s.open(); !isCorrupt(err) {
		t.Error(err)
	}
}
