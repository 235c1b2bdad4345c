package layer

import (
	"encoding/binary"
	"sort"
)

// sparse is the content of a sparse file: a payload, and which bytes of the content it holds; the others are zero. In
// the section of extents it is
//
//	u64 offset of the payload in pack or blob, u64 size of the payload, u64 number of extents
//	then for each extent, in order: u64 offset in the content, u64 offset in the payload, u64 length
type sparse struct {
	place, size int64
	extents     []extent
}

// extent is a run of bytes of a sparse file that is not a hole.
type extent struct {
	content, payload, length int64
}

const (
	sparseSize = 24
	extentSize = 24
)

func (s *sparse) append(b []byte) []byte {
	b = appendInts(b, s.place, s.size, int64(len(s.extents)))
	for _, e := range s.extents {
		b = appendInts(b, e.content, e.payload, e.length)
	}
	return b
}

func appendInts(b []byte, ints ...int64) []byte {
	for _, v := range ints {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b
}

// sparseHead reads a sparse without its extents; count is their number.
func (x *index) sparseHead(off int64) (s sparse, count int64, err error) {
	b, err := x.in(sectionExtents, off, sparseSize)
	if err != nil {
		return s, 0, err
	}
	return sparse{place: intAt(b, 0), size: intAt(b, 8)}, intAt(b, 16), nil
}

func (x *index) extent(off, k int64) (extent, error) {
	b, err := x.in(sectionExtents, off+sparseSize+k*extentSize, extentSize)
	if err != nil {
		return extent{}, err
	}
	return extent{content: intAt(b, 0), payload: intAt(b, 8), length: intAt(b, 16)}, nil
}

func intAt(b []byte, off int) int64 { return int64(binary.LittleEndian.Uint64(b[off:])) }

// readSparse fills p with the content of a sparse file from off on; p lies within it.
func (l *Layer) readSparse(r *record, p []byte, off int64) error {
	at := int64(r.place)
	_, count, err := l.index.sparseHead(at)
	if err != nil {
		return err
	}
	clear(p)
	k, err := l.firstExtent(at, count, off)
	if err != nil {
		return err
	}
	for end := off + int64(len(p)); k < count; k++ {
		e, err := l.index.extent(at, k)
		if err != nil || e.content >= end {
			return err
		}
		from, to := max(e.content, off), min(e.content+e.length, end)
		if err := l.readPayload(r, p[from-off:to-off], e.payload+from-e.content); err != nil {
			return err
		}
	}
	return nil
}

// firstExtent finds the first extent that ends after off.
func (l *Layer) firstExtent(at, count, off int64) (k int64, err error) {
	i := sort.Search(int(count), func(k int) bool {
		e, failed := l.index.extent(at, int64(k))
		if failed != nil {
			err = failed
			return true
		}
		return e.content+e.length > off
	})
	return int64(i), err
}
