package tree

import (
	"encoding/binary"
	"hash/crc32"
)

// The table is made of blocks of 4096 bytes, each of which ends in its CRC-32C. A block's checksum starts from its
// position in the table, so that a block in another's place is noticed too. Block 0 is the header, then come the
// records, as many as fit into each block, then the names, none of which lies across two blocks.
const (
	blockSize = 4096
	blockData = blockSize - 4
	perBlock  = blockData / recordSize

	magic   = "imagetre"
	version = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(block int, data []byte) uint32 {
	return crc32.Update(uint32(block), castagnoli, data)
}

// header is block 0: magic, then version, layers, nodes and nameBlocks as little-endian 32-bit numbers, then zeros.
type header struct {
	layers, nodes, nameBlocks int
}

func (h header) recordBlocks() int { return (h.nodes + perBlock - 1) / perBlock }

// size is the table's size in bytes.
func (h header) size() int64 {
	return (1 + int64(h.recordBlocks()) + int64(h.nameBlocks)) * blockSize
}

func (h header) append(b []byte) []byte {
	b = append(b, magic...)
	for _, n := range []int{version, h.layers, h.nodes, h.nameBlocks} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b
}

// decodeHeader returns ok false if b is not a header that this version writes.
func decodeHeader(b []byte) (h header, ok bool) {
	if string(b[:8]) != magic || binary.LittleEndian.Uint32(b[8:]) != version {
		return header{}, false
	}
	h.layers = int(binary.LittleEndian.Uint32(b[12:]))
	h.nodes = int(binary.LittleEndian.Uint32(b[16:]))
	h.nameBlocks = int(binary.LittleEndian.Uint32(b[20:]))
	return h, h.nodes > 0
}

// placeName returns where in the names a name of n bytes begins, if those before it end at end.
func placeName(end, n int) int {
	if end%blockSize+n > blockData {
		return (end/blockSize + 1) * blockSize
	}
	return end
}
