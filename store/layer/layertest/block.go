package layertest

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Block512 is a header block of the USTAR format for what archive/tar does not write; change, which may be nil, alters
// it before its checksum is computed.
func Block512(kind byte, name string, size int64, change func(block []byte)) []byte {
	b := make([]byte, 512)
	copy(b, name)
	copy(b[100:], "0000644\x00")
	copy(b[108:], "0000000\x00")
	copy(b[116:], "0000000\x00")
	copy(b[124:], number(size))
	copy(b[136:], number(Time().Unix()))
	b[156] = kind
	copy(b[257:], "ustar\x0000")
	if change != nil {
		change(b)
	}
	return Seal(b)
}

// Seal computes the checksum of a header block in place.
func Seal(block []byte) []byte {
	copy(block[148:156], "        ")
	sum := 0
	for _, c := range block {
		sum += int(c)
	}
	copy(block[148:], fmt.Sprintf("%06o\x00 ", sum))
	return block
}

// Record is one PAX record: its length, key and value.
func Record(key, value string) string {
	rest := " " + key + "=" + value + "\n"
	n := len(rest)
	for len(strconv.Itoa(n))+len(rest) != n {
		n = len(strconv.Itoa(n)) + len(rest)
	}
	return strconv.Itoa(n) + rest
}

// number is a number field of twelve bytes: octal, or GNU's base 256 where that is too short.
func number(v int64) string {
	if v < 1<<33 {
		return fmt.Sprintf("%011o\x00", v)
	}
	b := binary.BigEndian.AppendUint64([]byte{0x80, 0, 0, 0}, uint64(v))
	return string(b)
}

// padded fills the last block with zeros.
func padded(s string) []byte { return append([]byte(s), make([]byte, -len(s)&511)...) }
