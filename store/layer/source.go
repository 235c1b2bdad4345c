package layer

import (
	"context"
	"errors"
	"io"
)

// maxHeaders is how many bytes of headers one entry may have. PAX records and GNU long names have a mebibyte each at
// most, but nothing limits how many of them follow each other.
const maxHeaders = 8 << 20

var errHeaders = errors.New("the headers of one entry have more than 8 MiB")

// source is the stream as the archive reader sees it.
type source struct {
	ctx  context.Context
	in   <-chan []byte
	free chan<- []byte
	buf  []byte // a whole buffer, to be given back
	rest []byte // what of buf is unread
	pos  int64  // in the stream
	// headers collects what Read returns, until it is taken.
	headers []byte
	// failure is the error, other than io.EOF, that ended the stream.
	failure error
}

// Read reads headers and padding, and keeps them.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.read(p)
	if len(s.headers)+n > maxHeaders {
		return 0, errHeaders
	}
	s.headers = append(s.headers, p[:n]...)
	return n, err
}

func (s *source) read(p []byte) (int, error) {
	b, err := s.next(len(p))
	return copy(p, b), err
}

// next returns up to n bytes of the stream, valid until it is called again.
func (s *source) next(n int) ([]byte, error) {
	for len(s.rest) == 0 {
		if err := s.refill(); err != nil {
			return nil, err
		}
	}
	b := s.rest[:min(n, len(s.rest))]
	s.rest = s.rest[len(b):]
	s.pos += int64(len(b))
	return b, nil
}

func (s *source) refill() error {
	if s.buf != nil {
		if err := send(s.ctx, s.free, s.buf[:cap(s.buf)]); err != nil {
			return s.failed(err)
		}
		s.buf = nil
	}
	buf, ok, err := receive(s.ctx, s.in)
	if err != nil {
		return s.failed(err)
	}
	if !ok {
		return io.EOF
	}
	s.buf, s.rest = buf, buf
	return nil
}

func (s *source) failed(err error) error {
	s.failure = err
	return err
}
