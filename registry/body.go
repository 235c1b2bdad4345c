package registry

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// body is what a request sends. It is opened for each time that it is sent.
type body struct {
	open func(context.Context) (io.ReadCloser, error)
	size int64
}

func bodyOf(data []byte) *body {
	return &body{
		open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		size: int64(len(data)),
	}
}

// sourceError is a failure to read what was to be sent, which no registry can help.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

// attach makes the body that of a request.
func (b *body) attach(req *http.Request) error {
	if b == nil {
		return nil
	}
	content, err := b.open(req.Context())
	if err != nil {
		return &sourceError{err}
	}
	req.Body, req.ContentLength = content, b.size
	if b.size == 0 { // or it would be sent without a length
		content.Close()
		req.Body = http.NoBody
	}
	return nil
}

// watchedSource puts off the end of a request as long as its body is read, and keeps the error that reading it ended
// with.
type watchedSource struct {
	io.ReadCloser
	left    int64 // bytes
	timer   *time.Timer
	timeout time.Duration // from one read to the next
	settle  time.Duration // after the last
	failed  chan error    // has room for one
}

func (s *watchedSource) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.left -= int64(n)
	if s.left > 0 {
		s.timer.Reset(s.timeout)
	} else {
		s.timer.Reset(s.settle)
	}
	if err != nil && err != io.EOF {
		select {
		case s.failed <- &sourceError{err}:
		default:
		}
	}
	return n, err
}

// failure is the error that reading the source ended with, or nil.
func (s *watchedSource) failure() error {
	select {
	case err := <-s.failed:
		return err
	default:
		return nil
	}
}
