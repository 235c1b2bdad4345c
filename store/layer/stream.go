package layer

import (
	"context"
	"crypto/sha256"
	"io"
)

const (
	// bufferSize is how much passes from one stage to the next at once.
	bufferSize = 256 << 10
	// inFlight is how many buffers may wait between two stages.
	inFlight = 4
)

// newBuffers makes the room that the stream may take up; each buffer is allocated when it is first needed.
func newBuffers() chan []byte {
	free := make(chan []byte, 2*inFlight)
	for range cap(free) {
		free <- nil
	}
	return free
}

// readStream fills buffers until the stream ends. The stream's error is returned as it is.
func readStream(ctx context.Context, stream io.Reader, free <-chan []byte, out chan<- []byte) error {
	for {
		buf, _, err := receive(ctx, free)
		if err != nil {
			return err
		}
		if buf == nil {
			buf = make([]byte, bufferSize)
		}
		n, end := fill(ctx, stream, buf)
		if end != nil && end != io.EOF {
			return end
		}
		if err := send(ctx, out, buf[:n]); err != nil {
			return err
		}
		if end == io.EOF {
			close(out)
			return nil
		}
	}
}

// fill is io.ReadFull, but the stream's error is told from one that io would make up.
func fill(ctx context.Context, stream io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		if err = ctx.Err(); err != nil {
			return n, err
		}
		var m int
		m, err = stream.Read(buf[n:])
		n += m
	}
	return n, err
}

// hashStream computes the diffID, and in a layer InBlob the checksums of the blob.
func (u *unpacking) hashStream(ctx context.Context, in <-chan []byte, out chan<- []byte) error {
	h := sha256.New()
	sums := blockSums{out: &u.tarSums}
	for {
		buf, ok, err := receive(ctx, in)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		h.Write(buf)
		if u.options.InBlob {
			sums.write(buf)
		}
		u.tarSize += int64(len(buf))
		if err := send(ctx, out, buf); err != nil {
			return err
		}
	}
	sums.end()
	u.diffID = [32]byte(h.Sum(nil))
	close(out)
	return nil
}

func send[T any](ctx context.Context, out chan<- T, v T) error {
	select {
	case out <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive returns ok false when in is closed.
func receive[T any](ctx context.Context, in <-chan T) (v T, ok bool, err error) {
	select {
	case v, ok = <-in:
		return v, ok, nil
	case <-ctx.Done():
		return v, false, ctx.Err()
	}
}
