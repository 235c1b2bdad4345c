package archive

import (
	"context"
	"io"

	"github.com/imagefs/imagefs/store"
)

// files are an archive's, in any order.
type files interface {
	// open opens a regular file, and tells its size. The error is fs.ErrNotExist if there is none.
	open(name string) (io.ReadCloser, int64, error)
	close() error
}

// random is an archive whose files can be read in any order: of it only what is asked for is read.
type random struct {
	store    *store.Store
	progress Progress
	files    files

	documents documents
}

func (r *random) document(name string) ([]byte, error) {
	name = clean(name)
	if data, ok := r.documents.byName[name]; ok {
		return data, nil
	}
	f, size, err := r.files.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readDocument(name, size, f)
	if err != nil {
		return nil, err
	}
	return data, r.documents.keep(name, data)
}

func (r *random) stage(ctx context.Context, name string) (*store.StagedLayer, error) {
	f, size, err := r.files.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return stageEntry(ctx, r.store, &entry{r: f, name: name, size: size}, r.progress)
}

func (r *random) close() error { return r.files.close() }
