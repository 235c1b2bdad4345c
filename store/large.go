package store

import (
	"errors"
	"io/fs"
	"os"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/imagefs/imagefs/store/layer"
)

// largeFiles is the store as package layer sees it.
type largeFiles struct {
	store *Store
	// commits makes payloads durable in the background: whoever unpacks waits for it before the layer gets its name. Until
	// then they are claimed by claim. Both are for writing only.
	commits *errgroup.Group
	claim   func(digest.Digest) error
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
	l.commits.Go(func() error { return l.commit(d) })
	return nil
}

func (l *largeFile) commit(d digest.Digest) error {
	defer l.file.Close()
	path, err := l.store.largePath(d)
	if err == nil {
		err = l.claim(d)
	}
	if err != nil {
		os.Remove(l.file.Name())
		return err
	}
	if l.isStored(path) {
		return os.Remove(l.file.Name())
	}
	return publish(l.file, path)
}

// isStored tells whether path has a file as large as this one. One that is not was cut short, and is replaced.
func (l *largeFile) isStored(path string) bool {
	stored, err := os.Lstat(path)
	if err != nil || !stored.Mode().IsRegular() {
		return false
	}
	written, err := l.file.Stat()
	return err == nil && written.Size() == stored.Size()
}

func (l *largeFile) Discard() {
	os.Remove(l.file.Name())
	l.file.Close()
}
