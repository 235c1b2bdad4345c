package store

import (
	"bytes"
	"io"
	"os"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
)

// BlobReader reads a blob; what it reads is checked by a CRC-32C for each 64 KiB.
type BlobReader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// OpenBlob opens a blob of any size.
func (s *Store) OpenBlob(d digest.Digest) (BlobReader, error) {
	path, err := s.blobPath(d)
	if err != nil {
		return nil, err
	}
	f, size, err := openRegular(path)
	if err != nil {
		return nil, blobError(d, err)
	}
	if size <= blockSize {
		f.Close()
		data, err := s.Blob(d)
		if err != nil {
			return nil, err
		}
		return smallBlob{bytes.NewReader(data)}, nil
	}
	sums, err := s.checksums(d, f, size)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &blob{store: s, file: f, sums: sums}, nil
}

// smallBlob is a blob that was checked whole.
type smallBlob struct{ *bytes.Reader }

func (smallBlob) Close() error { return nil }

// blob is a blob that is checked by the block.
type blob struct {
	store *Store
	file  *os.File
	sums  *checksums
}

func (b *blob) Size() int64  { return b.sums.size }
func (b *blob) Close() error { return b.file.Close() }

func (b *blob) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = b.readBlock(p[n:], off+int64(n))
		n += m
	}
	return n, err
}

// readBlock reads no further than to the end of the block that off is in.
func (b *blob) readBlock(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, os.ErrInvalid
	}
	if off >= b.Size() {
		return 0, io.EOF
	}
	i, skip := off/blockSize, off%blockSize
	size := min(blockSize, b.Size()-i*blockSize)
	if skip == 0 && int64(len(p)) >= size {
		if err := b.load(i, p[:size]); err != nil {
			return 0, err
		}
		return int(size), nil
	}
	buf := b.store.blocks.Get().(*[blockSize]byte)
	defer b.store.blocks.Put(buf)
	if err := b.load(i, buf[:size]); err != nil {
		return 0, err
	}
	return copy(p, buf[skip:size]), nil
}

// load reads and checks block i.
func (b *blob) load(i int64, p []byte) error {
	_, err := b.file.ReadAt(p, i*blockSize)
	if err == io.EOF {
		return &layer.CorruptError{Path: b.file.Name(), Detail: "it ends too early"}
	}
	if err != nil {
		return err
	}
	if err := b.sums.verify(i, p); err != nil {
		return &layer.CorruptError{Path: b.file.Name(), Detail: err.Error()}
	}
	return nil
}

// checksums returns the checksums of the open blob d: those that are stored or, where they are lost or damaged, new
// ones, if the blob is what its digest says.
func (s *Store) checksums(d digest.Digest, f *os.File, size int64) (*checksums, error) {
	path := s.path("checksums", "sha256", d.Encoded())
	if data, err := readRegular(path, size); err == nil {
		if sums, err := parseChecksums(data, size); err == nil {
			return sums, nil
		}
	}
	sums, err := sumBlob(d, io.NewSectionReader(f, 0, size))
	if err != nil {
		return nil, &layer.CorruptError{Path: f.Name(), Detail: err.Error()}
	}
	// Where they cannot be stored, a read-only root, they are made again each time.
	_ = s.writeFile(path, sums.marshal())
	return sums, nil
}
