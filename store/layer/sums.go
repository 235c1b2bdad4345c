package layer

import "hash/crc32"

// blockSums writes the CRC-32C of each block of what it is given to a section.
type blockSums struct {
	out *section
	sum uint32
	n   int // bytes of the block so far
}

func (b *blockSums) write(p []byte) {
	for len(p) > 0 {
		n := min(len(p), blockSize-b.n)
		b.sum = crc32.Update(b.sum, crc32.MakeTable(crc32.Castagnoli), p[:n])
		b.n += n
		p = p[n:]
		if b.n == blockSize {
			b.end()
		}
	}
}

// end closes a last block that is not full.
func (b *blockSums) end() {
	if b.n > 0 {
		b.out.uint32(b.sum)
		b.sum, b.n = 0, 0
	}
}
