package layer

import (
	"crypto/sha256"
	"fmt"
	"io"
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
