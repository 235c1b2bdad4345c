package layertest

import (
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
	copy(b[124:], octal(size))
	copy(b[136:], octal(Time().Unix()))
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

func octal(v int64) string { return fmt.Sprintf("%011o\x00", v) }

// padded fills the last block with zeros.
func padded(s string) []byte { return append([]byte(s), make([]byte, -len(s)&511)...) }
