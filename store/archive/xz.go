package archive

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxDictionary is how large an xz stream's dictionary, which is allocated at once, may be, in bytes: twice what xz -9
// needs.
const maxDictionary = maxWindow

// checkDictionary refuses a stream whose first block wants too large a dictionary; r is at its start, and stays there.
// What later blocks, and streams that follow the first, want is not looked at. A header that is not whole, or none, is
// left to whoever decompresses it.
func checkDictionary(r *bufio.Reader) error {
	const filterLZMA2 = 0x21
	start, err := r.Peek(xz.HeaderLen + 1)
	if err != nil {
		return nil
	}
	size := (int(start[xz.HeaderLen]) + 1) * 4
	start, err = r.Peek(xz.HeaderLen + size)
	if err != nil {
		return nil
	}
	flags, fields := start[xz.HeaderLen+1], bytes.NewReader(start[xz.HeaderLen+2:])
	for _, present := range []byte{0x40, 0x80} { // the compressed and the uncompressed size
		if flags&present != 0 {
			_, _ = binary.ReadUvarint(fields)
		}
	}
	for range 1 + flags&3 {
		id, _ := binary.ReadUvarint(fields)
		length, _ := binary.ReadUvarint(fields)
		properties := make([]byte, min(length, uint64(fields.Len())))
		_, _ = fields.Read(properties)
		if id != filterLZMA2 || len(properties) != 1 {
			continue
		}
		if n, err := lzma.DecodeDictCap(properties[0]); err == nil && n > maxDictionary {
			return fmt.Errorf("its xz dictionary has %d bytes, where at most %d are allowed", n, maxDictionary)
		}
	}
	return nil
}
