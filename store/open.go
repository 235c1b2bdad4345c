package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/tree"
)

// Store is an open root directory. Its methods may be called from many goroutines.
type Store struct {
	dir     string
	scratch scratch
	layers  cache[*layer.Layer]
	trees   cache[*tree.Tree]
	blocks  sync.Pool // of *[blockSize]byte, for reads that are not whole blocks

	pins    atomic.Pointer[Pins]
	current atomic.Pointer[Snapshot]
	mu      sync.Mutex // guards catalog, and that current is the newest it gave
	catalog catalog
}

// Open opens the store at dir, and makes it if dir does not exist or is empty. A directory that holds something else is
// refused. A layout that another program wrote is taken as it is.
func Open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, scratch: scratch{dir: filepath.Join(dir, "ingest")}}
	s.blocks.New = func() any { return new([blockSize]byte) }
	if err := s.create(); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := s.checkLayout(); err != nil {
		return nil, err
	}
	if _, _, err := s.reload(); err != nil {
		return nil, err
	}
	s.sweep()
	s.keepReserve()
	return s, nil
}

// Close ends the store's use in this process.
func (s *Store) Close() error {
	return errors.Join(s.trees.close(), s.layers.close(), s.scratch.close())
}

// Dir is the root directory.
func (s *Store) Dir() string { return s.dir }

func (s *Store) path(elem ...string) string {
	return filepath.Join(s.dir, filepath.Join(elem...))
}

// create makes a new store of a directory that is absent, empty, or was left by a create that was killed. It does
// nothing to any other.
func (s *Store) create() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if fresh, err := s.isFresh(); !fresh || err != nil {
		return err
	}
	lock, err := acquire(context.Background(), s.path("lock"), nil)
	if err != nil {
		return err
	}
	defer lock.Close()
	if fresh, err := s.isFresh(); !fresh || err != nil {
		return err
	}
	if err := makeDir(s.path(ocispec.ImageBlobsDir, "sha256")); err != nil {
		return err
	}
	if err := new(numbers).append(s.path("numbers"), nil); err != nil {
		return err
	}
	if err := s.writeFileBy(s.path(ocispec.ImageIndexFile), emptyIndex().writeTo); err != nil {
		return err
	}
	version, err := json.Marshal(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return err
	}
	return s.writeFile(s.path(ocispec.ImageLayoutFile), version)
}

// isFresh tells whether the root holds nothing but what create makes before oci-layout, which comes last.
func (s *Store) isFresh() (bool, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return false, err
	}
	locked, empty := false, true
	for _, e := range entries {
		switch e.Name() {
		case "lost+found":
			continue
		case "lock":
			locked = true
		case "ingest", "mounts", "numbers", ocispec.ImageBlobsDir, ocispec.ImageIndexFile:
		default:
			return false, nil
		}
		empty = false
	}
	return empty || locked, nil
}

// checkLayout refuses what is not an image layout of a version we know.
func (s *Store) checkLayout() error {
	data, err := readRegular(s.path(ocispec.ImageLayoutFile), maxDocument)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is neither empty nor an OCI image layout", s.dir)
	}
	if err != nil {
		return err
	}
	var layout ocispec.ImageLayout
	if err := json.Unmarshal(data, &layout); err != nil {
		return fmt.Errorf("%s is not an OCI image layout: %s: %w", s.dir, ocispec.ImageLayoutFile, err)
	}
	if !strings.HasPrefix(layout.Version, "1.") {
		return fmt.Errorf("%s is an OCI image layout of version %q; version 1 is known", s.dir, layout.Version)
	}
	for _, name := range []string{ocispec.ImageBlobsDir, ocispec.ImageBlobsDir + "/sha256"} {
		info, err := os.Lstat(s.path(name))
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is not a directory", s.path(name))
		}
	}
	return nil
}
