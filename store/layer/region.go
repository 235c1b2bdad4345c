package layer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// region is a payload or a file as a run of blocks, each with its CRC-32C.
type region struct {
	file    *os.File
	base    int64 // of the region in file
	size    int64
	scratch *sync.Pool // of *[blockSize]byte
}

// readAt fills p from off on. p lies within the region, and sums are the little-endian checksums of the blocks that it
// touches.
func (r region) readAt(p []byte, off int64, sums []byte) error {
	for len(p) > 0 {
		start := off / blockSize * blockSize
		whole := r.wholeBlocks(off, len(p))
		if whole == 0 {
			n, err := r.readPart(p, off, sums)
			if err != nil {
				return err
			}
			p, off, sums = p[n:], off+int64(n), sums[4:]
			continue
		}
		if err := r.read(p[:whole], start, sums); err != nil {
			return err
		}
		p, off, sums = p[whole:], off+int64(whole), sums[blocks(int64(whole))*4:]
	}
	return nil
}

// wholeBlocks is how many of n bytes from off on are blocks read from their start to their end.
func (r region) wholeBlocks(off int64, n int) int {
	if off%blockSize != 0 {
		return 0
	}
	if off+int64(n) == r.size {
		return n
	}
	return n / blockSize * blockSize
}

// readPart reads the beginning of p, as far as one block goes.
func (r region) readPart(p []byte, off int64, sums []byte) (int, error) {
	block := r.scratch.Get().(*[blockSize]byte)
	defer r.scratch.Put(block)
	start := off / blockSize * blockSize
	b := block[:min(blockSize, r.size-start)]
	if err := r.read(b, start, sums); err != nil {
		return 0, err
	}
	return copy(p, b[off-start:]), nil
}

// read fills p with blocks from start on, and checks them.
func (r region) read(p []byte, start int64, sums []byte) error {
	n, err := r.file.ReadAt(p, r.base+start)
	if n < len(p) {
		return r.failed(err, r.base+start+int64(n))
	}
	for i := 0; i < len(p); i += blockSize {
		if checksum(p[i:min(i+blockSize, len(p))]) != binary.LittleEndian.Uint32(sums[i/blockSize*4:]) {
			clear(p)
			return &CorruptError{r.file.Name(), fmt.Sprintf("wrong checksum at byte %d", r.base+start+int64(i))}
		}
	}
	return nil
}

func (r region) failed(err error, at int64) error {
	if errors.Is(err, io.EOF) {
		return &CorruptError{r.file.Name(), fmt.Sprintf("it ends after byte %d", at)}
	}
	return err
}

// lost tells of a file that should be there.
func lost(err error, path string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &CorruptError{path, "it is missing"}
	}
	return err
}
