package archive

import (
	"context"
	"errors"
	"io"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
)

// maxDocument is how large a document (a manifest, a config) may be, in bytes: it is held in memory.
const maxDocument = 16 << 20

// maxDocuments is how large the documents of an archive may be together, in bytes.
const maxDocuments = 64 << 20

// documents are those of an archive that were read. The zero value is ready to use.
type documents struct {
	byName map[string][]byte // clean
	size   int               // of all
}

// keep remembers a document, unless they are too large together.
func (d *documents) keep(name string, data []byte) error {
	if d.byName == nil {
		d.byName = make(map[string][]byte)
	}
	if d.size += len(data); d.size > maxDocuments {
		return damaged("", "its manifests and configs have more than %d bytes", maxDocuments)
	}
	d.byName[name] = data
	return nil
}

func (d *documents) forget(name string) {
	d.size -= len(d.byName[name])
	delete(d.byName, name)
}

// Progress is told of an entry how many of its bytes were read. It may be called from many goroutines.
type Progress func(entry string, done, total int64)

// source is an archive that is being read. Names are as the archive's documents have them.
type source interface {
	// document returns a small file. The error is fs.ErrNotExist if there is none.
	document(name string) ([]byte, error)
	// stage reads a layer. The error is fs.ErrNotExist if there is none.
	stage(ctx context.Context, name string) (*store.StagedLayer, error)
	// close gives up what was staged and not asked for.
	close() error
}

// entry is the content of one entry, as it is read.
type entry struct {
	r    io.Reader
	name string
	size int64

	progress Progress // nil before it is staged
	done     int64
	failed   error // r's, if it is not io.EOF
}

func (e *entry) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.done += int64(n)
	if e.progress != nil && n > 0 {
		e.progress(e.name, e.done, e.size)
	}
	if err == io.EOF && e.done < e.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		e.failed = err
	}
	return n, err
}

// stageEntry stages a layer. A layer at fault is a *DamagedError; if reading it failed, that error is returned as it is.
func stageEntry(ctx context.Context, s *store.Store, e *entry, progress Progress) (*store.StagedLayer, error) {
	e.progress = progress
	staged, err := s.StageLayer(ctx, e)
	if err == nil {
		return staged, nil
	}
	if e.failed != nil {
		return nil, e.failed
	}
	var format *layer.FormatError
	if errors.As(err, &format) {
		return nil, &DamagedError{Entry: e.name, Err: err}
	}
	return nil, err
}

// readDocument reads a small file whole.
func readDocument(name string, size int64, r io.Reader) ([]byte, error) {
	if size > maxDocument {
		return nil, damaged(name, "it has %d bytes, where at most %d are expected", size, maxDocument)
	}
	data := make([]byte, size)
	_, err := io.ReadFull(r, data)
	return data, err
}
