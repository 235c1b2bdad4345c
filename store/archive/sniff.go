package archive

import (
	"bytes"
	"strconv"
	"strings"
)

var (
	magicGzip  = []byte{0x1f, 0x8b}
	magicZstd  = []byte{0x28, 0xb5, 0x2f, 0xfd}
	magicXz    = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	magicBzip2 = []byte("BZh")
)

// isLayer tells from the first block of an entry whether it can be a layer: a tar, or something compressed.
func isLayer(block []byte) bool {
	return bytes.HasPrefix(block, magicGzip) || bytes.HasPrefix(block, magicZstd) || isTar(block)
}

// isTar tells a tar's first block by its checksum, or by being the first of the two zero blocks at its end.
func isTar(block []byte) bool {
	if len(block) < blockSize {
		return false
	}
	const start, end = 148, 156 // of the checksum, which is octal and counts as spaces itself
	sum := int64(0)
	for i, c := range block[:blockSize] {
		if i >= start && i < end {
			c = ' '
		}
		sum += int64(c)
	}
	if sum == (end-start)*' ' {
		return true
	}
	want, err := strconv.ParseInt(strings.Trim(string(block[start:end]), " \x00"), 8, 64)
	return err == nil && want == sum
}
