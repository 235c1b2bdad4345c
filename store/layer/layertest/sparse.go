package layertest

import (
	"bytes"
	"fmt"
	"strings"
)

// Extent is a run of bytes in a sparse file.
type Extent struct {
	Offset int64
	Data   string
}

// The ways in which GNU tar stores sparse files.
const (
	SparseGNU   = "gnu"
	SparsePAX00 = "0.0"
	SparsePAX01 = "0.1"
	SparsePAX10 = "1.0"
)

// Sparse is a file of size bytes that is zero outside of extents, in one of GNU tar's formats. GNU tar itself reads it
// only if all extents but the last are whole blocks of 512 bytes.
func Sparse(format, name string, size int64, extents ...Extent) Entry {
	// GNU tar ends the map with an empty extent at the end of the file.
	extents = append(extents, Extent{Offset: size})
	var data strings.Builder
	for _, e := range extents {
		data.WriteString(e.Data)
	}
	if format == SparseGNU {
		return Entry{Raw: oldGNU(name, size, data.String(), extents)}
	}
	records, mapping := paxMap(format, name, size, extents)
	var b bytes.Buffer
	b.Write(Block512('x', "PaxHeaders/sparse", int64(len(records)), nil))
	b.Write(padded(records))
	body := mapping + data.String()
	b.Write(Block512('0', "GNUSparseFile.0/sparse", int64(len(body)), nil))
	b.Write(padded(body))
	return Entry{Raw: b.Bytes()}
}

func paxMap(format, name string, size int64, extents []Extent) (records, mapping string) {
	var numbers []string
	var pairs strings.Builder
	for _, e := range extents {
		offset, length := fmt.Sprint(e.Offset), fmt.Sprint(len(e.Data))
		numbers = append(numbers, offset, length)
		pairs.WriteString(Record("GNU.sparse.offset", offset) + Record("GNU.sparse.numbytes", length))
	}
	count := fmt.Sprint(len(extents))
	switch format {
	case SparsePAX00:
		return Record("GNU.sparse.size", fmt.Sprint(size)) + Record("GNU.sparse.numblocks", count) + pairs.String() +
			Record("path", name), ""
	case SparsePAX01:
		return Record("GNU.sparse.size", fmt.Sprint(size)) + Record("GNU.sparse.numblocks", count) +
			Record("GNU.sparse.map", strings.Join(numbers, ",")) + Record("GNU.sparse.name", name), ""
	}
	records = Record("GNU.sparse.major", "1") + Record("GNU.sparse.minor", "0") + Record("GNU.sparse.name", name) +
		Record("GNU.sparse.realsize", fmt.Sprint(size))
	return records, string(padded(count + "\n" + strings.Join(numbers, "\n") + "\n"))
}

func oldGNU(name string, size int64, data string, extents []Extent) []byte {
	inHeader := extents[:min(4, len(extents))]
	rest := extents[len(inHeader):]
	var b bytes.Buffer
	b.Write(Block512('S', name, int64(len(data)), func(block []byte) {
		copy(block[257:], "ustar  \x00")
		putExtents(block[386:], inHeader)
		block[482] = extended(rest)
		copy(block[483:], number(size))
	}))
	for len(rest) > 0 {
		block := make([]byte, 512)
		n := min(21, len(rest))
		putExtents(block, rest[:n])
		rest = rest[n:]
		block[504] = extended(rest)
		b.Write(block)
	}
	b.Write(padded(data))
	return b.Bytes()
}

func putExtents(b []byte, extents []Extent) {
	for i, e := range extents {
		copy(b[24*i:], number(e.Offset))
		copy(b[24*i+12:], number(int64(len(e.Data))))
	}
}

func extended(rest []Extent) byte {
	if len(rest) > 0 {
		return 1
	}
	return 0
}
