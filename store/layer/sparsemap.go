package layer

import (
	"github.com/vbatts/tar-split/archive/tar"
	"strconv"
	"strings"
)

// The PAX records of GNU tar's sparse formats 0.0, 0.1 and 1.0.
const (
	paxSparseMajor = "GNU.sparse.major"
	paxSparseMinor = "GNU.sparse.minor"
	paxSparseMap   = "GNU.sparse.map"
	paxSize        = "size"
)

// payloadOf returns how many bytes of payload follow an entry's headers in the archive, and for a sparse file its map.
// headers are the bytes of the headers, with the padding before them, as they were read up to the payload.
//
// The tar reader understands sparse files, but gives only their expanded content, holes and all; so the map is read
// once more here. The reader has validated it.
func payloadOf(h *tar.Header, headers []byte) (size int64, content *sparse, err error) {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return 0, nil, nil
	}
	version := sparseVersion(h)
	if version == notSparse {
		return plainSize(h), nil, nil
	}
	block, rest, err := mainHeader(headers)
	if err != nil {
		return 0, nil, err
	}
	if size, err = archivedSize(h, block); err != nil {
		return 0, nil, err
	}
	var numbers []int64
	switch version {
	case sparseOldGNU:
		numbers, err = oldGNUMap(block, rest)
	case sparsePAX0:
		numbers, err = decimals(strings.FieldsFunc(h.PAXRecords[paxSparseMap], func(r rune) bool { return r == ',' }))
	case sparsePAX1:
		size -= int64(len(rest))
		numbers, err = pax1Map(rest)
	}
	if err != nil {
		return 0, nil, err
	}
	content, err = newSparse(numbers, size, h.Size)
	return size, content, err
}

const (
	notSparse = iota
	sparseOldGNU
	sparsePAX0 // 0.0 and 0.1, which the tar reader makes one
	sparsePAX1
)

// sparseVersion decides as the tar reader does.
func sparseVersion(h *tar.Header) int {
	if h.Typeflag == tar.TypeGNUSparse {
		return sparseOldGNU
	}
	major, minor := h.PAXRecords[paxSparseMajor], h.PAXRecords[paxSparseMinor]
	switch {
	case major == "0" && (minor == "0" || minor == "1"):
		return sparsePAX0
	case major == "1" && minor == "0":
		return sparsePAX1
	case major == "" && minor == "" && h.PAXRecords[paxSparseMap] != "":
		return sparsePAX0
	}
	return notSparse
}

// plainSize is how many bytes follow the headers of an entry that is not sparse. The size field of links, directories
// and devices means nothing.
func plainSize(h *tar.Header) int64 {
	switch h.Typeflag {
	case tar.TypeLink, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeDir, tar.TypeFifo:
		return 0
	}
	return h.Size
}

const headerBlock = 512

// mainHeader finds the block that describes the entry itself, after the long names and PAX records that go before it.
func mainHeader(headers []byte) (block, rest []byte, err error) {
	b := headers[len(headers)%headerBlock:] // the padding
	for len(b) >= headerBlock {
		block, rest = b[:headerBlock], b[headerBlock:]
		switch block[156] {
		case tar.TypeXHeader, tar.TypeGNULongName, tar.TypeGNULongLink:
		default:
			return block, rest, nil
		}
		size, ok := numeric(block[124:136])
		if !ok || size < 0 || roundUp(size, headerBlock) > int64(len(rest)) {
			break
		}
		b = rest[roundUp(size, headerBlock):]
	}
	return nil, nil, refuse("its headers are damaged")
}

// archivedSize is the size in the archive, which is not that of the content.
func archivedSize(h *tar.Header, block []byte) (int64, error) {
	if s := h.PAXRecords[paxSize]; s != "" {
		size, err := strconv.ParseInt(s, 10, 64)
		if err != nil || size < 0 {
			return 0, refuse("its size %q is no number", s)
		}
		return size, nil
	}
	size, ok := numeric(block[124:136])
	if !ok || size < 0 {
		return 0, refuse("its size is no number")
	}
	return size, nil
}
