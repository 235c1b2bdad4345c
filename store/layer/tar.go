package layer

import (
	"errors"
	"os"
	"runtime/debug"
	"sort"
)

// ReadTarAt reads the original tar stream as [io.ReaderAt] does.
func (l *Layer) ReadTarAt(p []byte, off int64) (n int, err error) {
	defer l.index.guard(debug.SetPanicOnFault(true), &err)
	p, err = clip(p, off, l.index.tar)
	if len(p) == 0 {
		return 0, err
	}
	if l.index.inBlob() {
		return filled(p, err, l.readBlob(p, off))
	}
	return filled(p, err, l.readSegments(p, off))
}

// readSegments fills p from framing and payloads in turn; p lies within the tar.
func (l *Layer) readSegments(p []byte, off int64) error {
	k, err := l.segmentAt(off)
	if err != nil {
		return err
	}
	for ; len(p) > 0; k++ {
		n, err := l.readSegment(k, p, off)
		if err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// segmentAt returns the number of the last payload that begins at off or before it, -1 if there is none.
func (l *Layer) segmentAt(off int64) (k int64, err error) {
	after := sort.Search(int(l.index.payloads), func(k int) bool {
		s, failed := l.index.segment(int64(k))
		if failed != nil {
			err = failed
			return true
		}
		return s.tar > off
	})
	return int64(after) - 1, err
}

// readSegment reads the beginning of p as far as payload k and the framing after it go; payload -1 is empty and begins
// the tar.
func (l *Layer) readSegment(k int64, p []byte, off int64) (n int, err error) {
	var (
		s    segment
		r    record
		size int64
		next = segment{tar: l.index.tar, framing: l.index.header.tarSplit}
	)
	if k >= 0 {
		if s, r, size, err = l.payloadOf(k); err != nil {
			return 0, err
		}
	}
	if k+1 < l.index.payloads {
		if next, err = l.index.segment(k + 1); err != nil {
			return 0, err
		}
	}
	if next.tar-s.tar-size != next.framing-s.framing || off < s.tar || off >= next.tar {
		return 0, l.index.corrupt("its segments do not fit together")
	}
	if rest := s.tar + size - off; rest > 0 {
		n = int(min(rest, int64(len(p))))
		if err := l.readPayload(&r, p[:n], off-s.tar); err != nil {
			return 0, err
		}
	}
	framing := p[n:min(int64(len(p)), next.tar-off)]
	at := s.framing + off + int64(n) - s.tar - size
	return n + len(framing), l.readFraming(framing, at)
}

// payloadOf returns where payload k is in the tar, whose it is, and its size.
func (l *Layer) payloadOf(k int64) (s segment, r record, size int64, err error) {
	if s, err = l.index.segment(k); err != nil {
		return s, r, 0, err
	}
	if r, err = l.index.record(int(s.entry)); err != nil {
		return s, r, 0, err
	}
	if r.flags&flagSparse == 0 {
		return s, r, r.size, nil
	}
	head, _, err := l.index.sparseHead(int64(r.place))
	return s, r, head.size, err
}

// readFraming fills p from tar-split.
func (l *Layer) readFraming(p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	sums, err := l.tarSums(p, off)
	if err != nil {
		return err
	}
	return l.region(l.tarSplit, 0, l.index.header.tarSplit).readAt(p, off, sums)
}

// readBlob fills p from the uncompressed blob; p lies within it.
func (l *Layer) readBlob(p []byte, off int64) error {
	sums, err := l.tarSums(p, off)
	if err != nil {
		return err
	}
	for {
		f, err := l.blob()
		if err != nil {
			return err
		}
		err = l.region(f, 0, l.index.tar).readAt(p, off, sums)
		if !errors.Is(err, os.ErrClosed) {
			return err
		}
	}
}

// tarSums returns the checksums of the blocks of tar-split or blob that p at off touches.
func (l *Layer) tarSums(p []byte, off int64) ([]byte, error) {
	first, last := off/blockSize, (off+int64(len(p))-1)/blockSize
	return l.index.in(sectionTarSums, first*4, (last-first+1)*4)
}

func (l *Layer) blob() (*os.File, error) {
	if f := l.handles.find(blobHandle); f != nil {
		return f, nil
	}
	f, err := l.large.OpenBlob(l.DiffID())
	if err != nil {
		return nil, lost(err, l.DiffID().String())
	}
	if err := checkSize(f, l.index.tar); err != nil {
		f.Close()
		return nil, err
	}
	return l.handles.add(blobHandle, f), nil
}
