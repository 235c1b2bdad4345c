package store

import (
	"io"
	"sync"
)

// queue hands blocks of bytes from the goroutine of one stage to that of the next, a few ahead.
type queue struct {
	full, free chan []byte
	gone       chan struct{} // closed when the reader wants no more
	leave      sync.Once
	err        error  // what the reader gets after the last block; set before full is closed
	spare      []byte // the writer's, once the reader is gone

	// The reader's: the block it is in, what it has not read of it, and the error it was given, if not io.EOF.
	block, rest []byte
	failed      error
}

const (
	queueBlock = 256 << 10
	queueDepth = 4
)

func newQueue() *queue {
	q := &queue{full: make(chan []byte, queueDepth), free: make(chan []byte, queueDepth), gone: make(chan struct{})}
	for range queueDepth {
		q.free <- make([]byte, queueBlock)
	}
	return q
}

// take gives the writer a block to fill.
func (q *queue) take() []byte {
	select {
	case b := <-q.free:
		return b[:queueBlock]
	case <-q.gone:
		if q.spare == nil {
			q.spare = make([]byte, queueBlock)
		}
		return q.spare
	}
}

// put hands the block that take gave last to the reader; to nobody if the reader is gone.
func (q *queue) put(b []byte) {
	if !q.abandoned() {
		q.full <- b // there is room for all blocks there are
	}
}

func (q *queue) abandoned() bool {
	select {
	case <-q.gone:
		return true
	default:
		return false
	}
}

// end says that no block follows, and why; io.EOF if all went well.
func (q *queue) end(err error) {
	q.err = err
	close(q.full)
}

func (q *queue) Read(p []byte) (int, error) {
	for len(q.rest) == 0 {
		if q.block != nil {
			q.free <- q.block
			q.block = nil
		}
		select {
		case <-q.gone:
			return 0, io.ErrClosedPipe
		case b, ok := <-q.full:
			if !ok {
				if q.err != io.EOF {
					q.failed = q.err
				}
				return 0, q.err
			}
			q.block, q.rest = b, b
		}
	}
	n := copy(p, q.rest)
	q.rest = q.rest[n:]
	return n, nil
}

// abandon ends the reading, also that which waits: the writer need not fill blocks any more.
func (q *queue) abandon() { q.leave.Do(func() { close(q.gone) }) }

// fill copies r into the queue until r or the reader ends. It returns r's error; nil for io.EOF, and for a reader that is
// gone.
func (q *queue) fill(r io.Reader) error {
	for !q.abandoned() {
		b := q.take()
		n, err := readFull(r, b)
		q.put(b[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readFull fills b, unless r ends before. Unlike io.ReadFull, it tells r's io.ErrUnexpectedEOF, a truncated stream, from
// its io.EOF.
func readFull(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}
