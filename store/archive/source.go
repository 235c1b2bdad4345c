package archive

import (
	"sync"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
)

// layerTar is the uncompressed tar of a layer.
type layerTar struct {
	store  *store.Store
	diffID digest.Digest
}

func (l layerTar) ReadAt(p []byte, off int64) (int, error) {
	layer, err := l.store.Layer(l.diffID)
	if err != nil {
		return 0, err
	}
	return layer.ReadTarAt(p, off)
}

// blob is a blob as it is stored, which is opened when it is first read.
type blob struct {
	store  *store.Store
	digest digest.Digest

	mu   sync.Mutex // guards open
	open store.BlobReader
}

func (b *blob) ReadAt(p []byte, off int64) (int, error) {
	r, err := b.reader()
	if err != nil {
		return 0, err
	}
	return r.ReadAt(p, off)
}

func (b *blob) reader() (r store.BlobReader, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		b.open, err = b.store.OpenBlob(b.digest)
	}
	return b.open, err
}

func (b *blob) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		return nil
	}
	return b.open.Close()
}
