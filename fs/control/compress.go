package control

import (
	"context"
	"errors"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// compressorOf is how the ending of an archive's name says that it is compressed; nil if it is not.
func compressorOf(name string) func(io.Writer) (io.WriteCloser, error) {
	switch path.Ext(name) {
	case ".gz", ".tgz":
		return func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
	case ".zst", ".tzst":
		return func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }
	}
	return nil
}

// copyCompressed writes a compressed to w.
func copyCompressed(ctx context.Context, w io.Writer, compress func(io.Writer) (io.WriteCloser, error), a archiveReader, c *counter) error {
	to, err := compress(w)
	if err != nil {
		return err
	}
	from := io.TeeReader(contextReader{ctx, io.NewSectionReader(a, 0, a.Size())}, c)
	_, err = io.CopyBuffer(to, from, make([]byte, 256<<10))
	return errors.Join(err, to.Close())
}

// contextReader fails when its context has ended.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
