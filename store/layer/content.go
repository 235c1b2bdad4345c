package layer

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	digest "github.com/opencontainers/go-digest"
)

// ReadAt reads regular file i's content as [io.ReaderAt] does.
func (l *Layer) ReadAt(i int, p []byte, off int64) (n int, err error) {
	defer l.index.guard(debug.SetPanicOnFault(true), &err)
	r, err := l.regular(i)
	if err != nil {
		return 0, err
	}
	p, err = clip(p, off, r.size)
	if len(p) == 0 {
		return 0, err
	}
	if r.flags&flagSparse != 0 {
		return filled(p, err, l.readSparse(&r, p, off))
	}
	return filled(p, err, l.readPayload(&r, p, off))
}

// clip shortens p to what lies before size, as io.ReaderAt wants it: the error is io.EOF if that is less than p.
func clip(p []byte, off, size int64) ([]byte, error) {
	if off < 0 {
		return nil, fmt.Errorf("read at the negative offset %d", off)
	}
	if off >= size {
		return nil, io.EOF
	}
	if size-off < int64(len(p)) {
		return p[:size-off], io.EOF
	}
	return p, nil
}

// filled makes ReadAt's results of those of clip and of reading.
func filled(p []byte, eof, failed error) (int, error) {
	if failed != nil {
		return 0, failed
	}
	return len(p), eof
}

// Digest returns the sha256 of regular file i's content. That of a sparse file is computed each time, by reading it
// with its holes.
func (l *Layer) Digest(i int) (d digest.Digest, err error) {
	defer l.index.guard(debug.SetPanicOnFault(true), &err)
	r, err := l.regular(i)
	if err != nil {
		return "", err
	}
	if r.size == 0 {
		return digest.FromBytes(nil), nil
	}
	if r.flags&flagSparse != 0 {
		return l.sparseDigest(i, r.size)
	}
	sum, err := l.index.digest(r.payload)
	if err != nil {
		return "", err
	}
	return digestOf(sum), nil
}

func (l *Layer) sparseDigest(i int, size int64) (digest.Digest, error) {
	h := sha256.New()
	buf := make([]byte, min(size, 1<<20))
	for off := int64(0); off < size; off += int64(len(buf)) {
		n, err := l.ReadAt(i, buf, off)
		if err != nil && err != io.EOF {
			return "", err
		}
		h.Write(buf[:n])
	}
	return digestOf([32]byte(h.Sum(nil))), nil
}

func (l *Layer) regular(i int) (record, error) {
	r, err := l.index.record(i)
	if err == nil && r.kind != Regular {
		return r, notA("regular file", i)
	}
	return r, err
}

func notA(what string, i int) error { return fmt.Errorf("entry %d is not a %s", i, what) }

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
	return region{file: f, base: base, size: size, scratch: &l.scratch}
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
