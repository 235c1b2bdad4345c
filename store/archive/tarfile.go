package archive

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
)

// tarFile is a tar of which it is known where everything is.
type tarFile struct {
	file  io.ReaderAt
	names map[string]extent
	size  nameSize
	links links
}

type extent struct{ at, size int64 }

// errSparse says that a tar has sparse files, which are not in it as they are.
var errSparse = errors.New("sparse files")

// openTar finds what a tar of size bytes has. It reads the headers.
func openTar(ctx context.Context, file io.ReaderAt, size int64) (*tarFile, error) {
	t := &tarFile{file: file, names: map[string]extent{}, links: links{}}
	section := io.NewSectionReader(file, 0, size)
	r := tar.NewReader(section)
	last := ""
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := r.Next()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, explain(err, last)
		}
		at, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if isSparse(h) {
			return nil, errSparse
		}
		last = clean(h.Name)
		if h.Typeflag == tar.TypeReg && h.Size > size-at {
			return nil, explain(io.ErrUnexpectedEOF, last)
		}
		if err := t.add(last, h, at); err != nil {
			return nil, err
		}
	}
}

func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

func (t *tarFile) add(name string, h *tar.Header, at int64) error {
	if err := t.size.add(h); err != nil {
		return err
	}
	delete(t.names, name)
	delete(t.links, name)
	switch h.Typeflag {
	case tar.TypeReg:
		t.names[name] = extent{at, h.Size}
	case tar.TypeSymlink:
		t.links.symlink(name, h.Linkname)
	case tar.TypeLink:
		t.links[name] = clean(h.Linkname)
	}
	return nil
}

func (t *tarFile) open(name string) (io.ReadCloser, int64, error) {
	name, err := t.links.follow(name)
	if err != nil {
		return nil, 0, err
	}
	e, ok := t.names[name]
	if !ok {
		return nil, 0, fs.ErrNotExist
	}
	return io.NopCloser(io.NewSectionReader(t.file, e.at, e.size)), e.size, nil
}

func (t *tarFile) close() error { return nil }
