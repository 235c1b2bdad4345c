package store

import (
	"errors"
	"io/fs"
	"os"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/imagefs/imagefs/store/layer"
)

// largeFiles is the store as package layer sees it. Who only reads needs no more than the store.
type largeFiles struct {
	store *Store
	// commits makes payloads durable by commit, which closes the file, in the background: whoever unpacks waits for it
	// before the layer gets its name.
	commits *errgroup.Group
	commit  func(f *os.File, d digest.Digest) error
}

var _ layer.LargeFiles = largeFiles{}

func (l largeFiles) Create() (layer.LargeFile, error) {
	f, err := l.store.scratch.file()
	if err != nil {
		return nil, err
	}
	return &largeFile{largeFiles: l, file: f}, nil
}

func (l largeFiles) OpenLarge(d digest.Digest) (*os.File, error) {
	path, err := l.store.largePath(d)
	if err != nil {
		return nil, err
	}
	return openStored(path)
}

func (l largeFiles) OpenBlob(d digest.Digest) (*os.File, error) {
	path, err := l.store.blobPath(d)
	if err != nil {
		return nil, err
	}
	return openStored(path)
}

// openStored opens what a layer needs: that it is missing is damage.
func openStored(path string) (*os.File, error) {
	f, _, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = &layer.CorruptError{Path: path, Detail: "it is missing"}
	}
	return f, err
}

func (s *Store) largePath(d digest.Digest) (string, error) {
	if err := checkDigest(d); err != nil {
		return "", err
	}
	return s.path("files", "sha256", d.Encoded()), nil
}

// largeFile is a payload being written.
type largeFile struct {
	largeFiles
	file  *os.File
	flush writeback
}

func (l *largeFile) Write(p []byte) (int, error) {
	n, err := l.file.Write(p)
	l.flush.wrote(l.file, n)
	return n, err
}

func (l *largeFile) Commit(d digest.Digest) error {
	l.commits.Go(func() error { return l.commit(l.file, d) })
	return nil
}

func (l *largeFile) Discard() {
	os.Remove(l.file.Name())
	l.file.Close()
}

// publishLarge gives a scratch file its name as the large file d, which is claimed, or removes it where that is stored.
func (s *Store) publishLarge(f *os.File, d digest.Digest) error {
	path, err := s.largePath(d)
	if err != nil || isStored(f, path) {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return publish(f, path)
}

// isStored tells whether path has a file as large as f. One that is not was cut short, and is replaced.
func isStored(f *os.File, path string) bool {
	written, err := f.Stat()
	return err == nil && hasSize(path, written.Size())
}

func hasSize(path string, size int64) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}
