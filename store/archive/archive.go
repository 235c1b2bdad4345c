package archive

import (
	"errors"
	"io"
	"os"
	"sort"
)

// Archive is a tar that is made as it is read. Its methods may be called from many goroutines. It can be read while the
// images it was made of are in the store.
type Archive struct {
	segments []segment
	size     int64
	blobs    []*blob
}

// segment is a run of bytes of an archive.
type segment struct {
	at     int64 // where it begins
	size   int64
	source io.ReaderAt
}

// Size is the archive's length in bytes.
func (a *Archive) Size() int64 { return a.size }

// ReadAt reads as io.ReaderAt says. What is damaged in the store is a *layer.CorruptError.
func (a *Archive) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, os.ErrInvalid
	}
	for k := a.segmentAt(off); n < len(p) && k < len(a.segments); k++ {
		s := a.segments[k]
		skip := off + int64(n) - s.at
		part := p[n:min(int64(len(p)), int64(n)+s.size-skip)]
		if err := s.read(part, skip); err != nil {
			return n, err
		}
		n += len(part)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// segmentAt returns the number of the segment that off is in.
func (a *Archive) segmentAt(off int64) int {
	return sort.Search(len(a.segments), func(k int) bool { return a.segments[k].at+a.segments[k].size > off })
}

// read fills p, which lies within the segment.
func (s segment) read(p []byte, off int64) error {
	n, err := s.source.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF // the end of the archive is elsewhere
	}
	return err
}

// Close closes what was opened to read the archive. No method may be running or called afterwards.
func (a *Archive) Close() error {
	var errs []error
	for _, b := range a.blobs {
		errs = append(errs, b.close())
	}
	return errors.Join(errs...)
}
