package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	digest "github.com/opencontainers/go-digest"
)

// blockSize is how many bytes of a blob one checksum is for.
const blockSize = 64 << 10

// checksums are the CRC-32C of each block of a blob, the last of which may be short. ROOT/checksums/sha256/<hex> holds
// them, all numbers little-endian:
//
//	8 bytes  "imgfscrc"
//	uint64   size of the blob in bytes
//	uint32   for each block
//	uint32   CRC-32C of all that precedes it
type checksums struct {
	size   int64
	blocks []uint32
}

const checksumsMagic = "imgfscrc"

var (
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
	errChecksums = errors.New("not a file of checksums")
)

func (c *checksums) marshal() []byte {
	b := make([]byte, 0, len(checksumsMagic)+8+4*len(c.blocks)+4)
	b = append(b, checksumsMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(c.size))
	for _, sum := range c.blocks {
		b = binary.LittleEndian.AppendUint32(b, sum)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// parseChecksums reads what marshal wrote for a blob of that size.
func parseChecksums(b []byte, size int64) (*checksums, error) {
	const header = len(checksumsMagic) + 8
	n := (size + blockSize - 1) / blockSize
	if int64(len(b)) != int64(header)+4*n+4 || string(b[:len(checksumsMagic)]) != checksumsMagic {
		return nil, errChecksums
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum || binary.LittleEndian.Uint64(body[len(checksumsMagic):]) != uint64(size) {
		return nil, errChecksums
	}
	c := &checksums{size: size, blocks: make([]uint32, n)}
	for i := range c.blocks {
		c.blocks[i] = binary.LittleEndian.Uint32(body[header+4*i:])
	}
	return c, nil
}

// summer computes the checksums of what is written to it.
type summer struct {
	checksums
	block uint32 // CRC-32C of the block that is not full yet
}

func (s *summer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(blockSize-int(s.size%blockSize), len(rest))
		s.block = crc32.Update(s.block, castagnoli, rest[:n])
		s.size += int64(n)
		rest = rest[n:]
		if s.size%blockSize == 0 {
			s.blocks, s.block = append(s.blocks, s.block), 0
		}
	}
	return len(p), nil
}

// finish returns the checksums, after the last Write.
func (s *summer) finish() *checksums {
	if s.size%blockSize != 0 {
		s.blocks, s.block = append(s.blocks, s.block), 0
	}
	return &s.checksums
}

// digester is a summer that also computes the digest.
type digester struct {
	summer
	digest digest.Digester
}

func newDigester() *digester { return &digester{digest: digest.SHA256.Digester()} }

func (d *digester) Write(p []byte) (int, error) {
	d.digest.Hash().Write(p)
	return d.summer.Write(p)
}

// verify tells whether p is block i.
func (c *checksums) verify(i int64, p []byte) error {
	if got := crc32.Checksum(p, castagnoli); got != c.blocks[i] {
		return fmt.Errorf("block %d has the checksum %08x, not %08x", i, got, c.blocks[i])
	}
	return nil
}

// sumBlob computes the checksums of the blob d from the whole of its bytes.
func sumBlob(d digest.Digest, r io.Reader) (*checksums, error) {
	sum := newDigester()
	if _, err := io.CopyBuffer(struct{ io.Writer }{sum}, r, make([]byte, 4*blockSize)); err != nil {
		return nil, err
	}
	if got := sum.digest.Digest(); got != d {
		return nil, fmt.Errorf("its sha256 is %s", got.Encoded())
	}
	return sum.finish(), nil
}
