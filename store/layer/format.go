package layer

import (
	"encoding/binary"
	"hash/crc32"
)

// The index, little-endian throughout:
//
//	header      192 bytes, see header
//	sections    in the order of the section constants, each aligned to 64 bytes
//	            zeros up to a multiple of 4096 bytes
//	checksums   u32 for each 4096 bytes before them: their CRC-32C
//
// So a file of N blocks has exactly N·4100 bytes. Each block is checked whenever something in it is read.
const (
	indexBlock   = 4096
	sectionAlign = 64
	headerSize   = 192
)

// blockSize is how many bytes of a payload, of the tar-split file or of an uncompressed blob one CRC-32C covers. Blocks
// are counted from the start of the payload or file; the last one may be shorter.
const blockSize = 16 << 10

const (
	magic         = "imfslayr"
	formatVersion = 1
	flagInBlob    = 1 // in header.flags
)

// The sections of the index.
const (
	sectionEntries  = iota // record, 64 bytes each: the entries in the order of the archive
	sectionDigests         // 32 bytes each: the sha256 of payload k
	sectionStrings         // u16 length, bytes; at offset 0 the empty string
	sectionXattrs          // u32 count, then u16, u32, name, value; at offset 0 the empty list
	sectionSums            // u32 each: the CRC-32C of the blocks of payloads that have more than one
	sectionExtents         // see sparse
	sectionSegments        // segment, 24 bytes each: where payload k stands in the tar; empty in a layer InBlob
	sectionTarSums         // u32 each: the CRC-32C of the blocks of tar-split; in a layer InBlob, of the blob
	sectionCount
)

// header is the start of the index:
//
//	  0  magic "imfslayr"
//	  8  u32 version, u32 flags
//	 16  diffID, 32 bytes
//	 48  u64 number of entries
//	 56  u64 number of payloads
//	 64  u64 Layer.Size
//	 72  u64 size of the tar
//	 80  u64 size of pack
//	 88  u64 size of tar-split
//	 96  u64 length of each section in bytes
//	160  zeros
type header struct {
	flags    uint32
	diffID   [32]byte
	entries  int64
	payloads int64
	size     int64
	tar      int64
	pack     int64
	tarSplit int64
	lengths  [sectionCount]int64
}

func (h *header) inBlob() bool { return h.flags&flagInBlob != 0 }

// offsets returns where each section starts, and where the last one ends, rounded up to a whole block. A length that
// cannot be makes the end negative or larger than any file.
func (h *header) offsets() (starts [sectionCount]int64, end int64) {
	at := int64(headerSize)
	for i, n := range h.lengths {
		starts[i] = at
		at = roundUp(at+n, sectionAlign)
		if n < 0 || at < 0 {
			return starts, -1
		}
	}
	return starts, roundUp(at, indexBlock)
}

func (h *header) encode() []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, formatVersion)
	b = binary.LittleEndian.AppendUint32(b, h.flags)
	b = append(b, h.diffID[:]...)
	for _, v := range []int64{h.entries, h.payloads, h.size, h.tar, h.pack, h.tarSplit} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	for _, v := range h.lengths {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b[:headerSize]
}

// decodeHeader reads what encode wrote; detail says what is wrong with it, or is empty.
func decodeHeader(b []byte) (h header, detail string) {
	if string(b[:8]) != magic {
		return h, "not an index"
	}
	if binary.LittleEndian.Uint32(b[8:]) != formatVersion {
		return h, "written in a format this version does not know"
	}
	h.flags = binary.LittleEndian.Uint32(b[12:])
	copy(h.diffID[:], b[16:48])
	for i, v := range []*int64{&h.entries, &h.payloads, &h.size, &h.tar, &h.pack, &h.tarSplit} {
		*v = int64(binary.LittleEndian.Uint64(b[48+8*i:]))
	}
	for i := range h.lengths {
		h.lengths[i] = int64(binary.LittleEndian.Uint64(b[96+8*i:]))
	}
	return h, ""
}

// segment says where payload k stands in the tar: u64, u64, u32, and u32 zero.
type segment struct {
	tar     int64  // offset of its first byte in the tar
	framing int64  // how many bytes of tar-split come before it
	entry   uint32 // whose payload it is
}

const segmentSize = 24

func (s segment) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(s.tar))
	b = binary.LittleEndian.AppendUint64(b, uint64(s.framing))
	return binary.LittleEndian.AppendUint64(b, uint64(s.entry))
}

func decodeSegment(b []byte) segment {
	return segment{
		tar:     int64(binary.LittleEndian.Uint64(b)),
		framing: int64(binary.LittleEndian.Uint64(b[8:])),
		entry:   binary.LittleEndian.Uint32(b[16:]),
	}
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

// blocks is how many checksums n bytes have.
func blocks(n int64) int64 { return roundUp(n, blockSize) / blockSize }

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
