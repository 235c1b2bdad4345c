package layer

import (
	"encoding/binary"
	"errors"
	"os"
)

// readPayload fills p with a regular file's payload from off on; p lies within it.
func (l *Layer) readPayload(r *record, p []byte, off int64) error {
	place, size := int64(r.place), r.size
	if r.flags&flagSparse != 0 {
		s, _, err := l.index.sparseHead(place)
		if err != nil {
			return err
		}
		place, size = s.place, s.size
	}
	if off < 0 || off > size-int64(len(p)) {
		return l.index.corrupt("something in it points outside")
	}
	if l.index.inBlob() {
		return l.readBlob(p, place+off)
	}
	var single [4]byte
	sums, err := l.payloadSums(r, size, off, len(p), single[:])
	if err != nil {
		return err
	}
	if r.flags&flagLarge != 0 {
		return l.readLarge(r.payload, size, p, off, sums)
	}
	return l.region(l.pack, place, size).readAt(p, off, sums)
}

// payloadSums returns the checksums of the blocks that n bytes at off touch; single is room for one.
func (l *Layer) payloadSums(r *record, size, off int64, n int, single []byte) ([]byte, error) {
	if size <= blockSize {
		binary.LittleEndian.PutUint32(single, r.sum)
		return single, nil
	}
	first, last := off/blockSize, (off+int64(n)-1)/blockSize
	return l.index.in(sectionSums, (int64(r.sum)+first)*4, (last-first+1)*4)
}

func (l *Layer) region(f *os.File, base, size int64) region {
	return region{file: f, base: base, size: size, scratch: l.scratch}
}

// readLarge reads a payload that is in the LargeFiles.
func (l *Layer) readLarge(payload uint32, size int64, p []byte, off int64, sums []byte) error {
	for {
		f, err := l.largeFile(payload, size)
		if err != nil {
			return err
		}
		err = l.region(f, 0, size).readAt(p, off, sums)
		if !errors.Is(err, os.ErrClosed) {
			return err
		}
	}
}

func (l *Layer) largeFile(payload uint32, size int64) (*os.File, error) {
	if f := l.handles.find(payload); f != nil {
		return f, nil
	}
	sum, err := l.index.digest(payload)
	if err != nil {
		return nil, err
	}
	d := digestOf(sum)
	f, err := l.large.OpenLarge(d)
	if err != nil {
		return nil, lost(err, d.String())
	}
	if err := checkSize(f, size); err != nil {
		f.Close()
		return nil, err
	}
	return l.handles.add(payload, f), nil
}
