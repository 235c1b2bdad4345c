package archive

import (
	"context"
	"io"
)

const (
	// chunkSize is how much is read and written at once, in bytes: a multiple of the blocks that checksums are of, so that
	// none is read twice.
	chunkSize = 512 << 10
	// readAhead is how many chunks may wait to be written.
	readAhead = 3
)

// Copy writes the whole archive to w. Reading and checking go on while w is written to.
func (a *Archive) Copy(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	free, full := make(chan []byte, readAhead), make(chan []byte, readAhead)
	for range readAhead {
		free <- make([]byte, chunkSize)
	}
	go func() {
		defer close(full)
		if err := a.readAll(ctx, free, full); err != nil {
			cancel(err)
		}
	}()
	var failed error
	for chunk := range full {
		if failed != nil {
			continue
		}
		if _, failed = w.Write(chunk); failed != nil {
			cancel(failed)
		}
		free <- chunk[:chunkSize]
	}
	defer cancel(nil)
	return context.Cause(ctx)
}

// readAll hands the archive on in chunks, each of one segment.
func (a *Archive) readAll(ctx context.Context, free <-chan []byte, full chan<- []byte) error {
	for _, s := range a.segments {
		for off := int64(0); off < s.size; off += chunkSize {
			var chunk []byte
			select {
			case chunk = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			chunk = chunk[:min(chunkSize, s.size-off)]
			if err := s.read(chunk, off); err != nil {
				return err
			}
			full <- chunk // there is room for all chunks there are
		}
	}
	return nil
}
