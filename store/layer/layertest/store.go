package layertest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
)

// Store is a [layer.LargeFiles] in a directory: a file for each payload and blob, named by its digest's hex digits.
type Store struct{ Dir string }

// Path is where the payload or blob d is.
func (s *Store) Path(d digest.Digest) string { return filepath.Join(s.Dir, d.Encoded()) }

// PutBlob stores a blob.
func (s *Store) PutBlob(t testing.TB, b []byte) {
	t.Helper()
	if err := os.WriteFile(s.Path(digest.FromBytes(b)), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *Store) Create() (layer.LargeFile, error) {
	f, err := os.CreateTemp(s.Dir, "new-*")
	if err != nil {
		return nil, err
	}
	return &file{File: f, store: s}, nil
}

func (s *Store) OpenLarge(d digest.Digest) (*os.File, error) { return os.Open(s.Path(d)) }

func (s *Store) OpenBlob(d digest.Digest) (*os.File, error) { return os.Open(s.Path(d)) }

type file struct {
	*os.File
	store *Store
}

func (f *file) Commit(d digest.Digest) error {
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), f.store.Path(d))
}

func (f *file) Discard() {
	f.Close()
	os.Remove(f.Name())
}

// Unpack unpacks a tar stream in a temporary directory, and closes the layer when the test ends.
func Unpack(t testing.TB, tar []byte) *layer.Layer {
	t.Helper()
	return UnpackIn(t, t.TempDir(), tar, layer.UnpackOptions{Large: &Store{t.TempDir()}})
}

// UnpackIn unpacks a tar stream in dir, and closes the layer when the test ends.
func UnpackIn(t testing.TB, dir string, tar []byte, o layer.UnpackOptions) *layer.Layer {
	t.Helper()
	diffID, err := layer.Unpack(context.Background(), dir, bytes.NewReader(tar), o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := layer.Open(dir, diffID, o.Large)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// UnpackBlob unpacks a tar stream as a blob that keeps its payloads.
func UnpackBlob(t testing.TB, tar []byte) *layer.Layer {
	t.Helper()
	s := &Store{t.TempDir()}
	s.PutBlob(t, tar)
	return UnpackIn(t, t.TempDir(), tar, layer.UnpackOptions{Large: s, InBlob: true})
}
