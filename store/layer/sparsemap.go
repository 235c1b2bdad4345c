package layer

import (
	"archive/tar"
	"bytes"
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

// numeric reads a number field of a header: octal digits, or base 256 when the first bit is set.
func numeric(b []byte) (v int64, ok bool) {
	if b[0]&0x80 == 0 {
		s := string(bytes.Trim(b, " \x00"))
		if s, _, _ = strings.Cut(s, "\x00"); s == "" {
			return 0, true
		}
		v, err := strconv.ParseInt(s, 8, 64)
		return v, err == nil
	}
	v = int64(b[0] & 0x3f)
	for _, c := range b[1:] {
		if v >= 1<<55 {
			return 0, false
		}
		v = v<<8 | int64(c)
	}
	return v, b[0]&0x40 == 0
}

// oldGNUMap reads the four entries in the header and the 21 in each extension.
func oldGNUMap(block, rest []byte) ([]int64, error) {
	numbers, err := oldGNUEntries(nil, block[386:386+4*24])
	extended := block[482] != 0
	for err == nil && extended {
		if len(rest) < headerBlock {
			return nil, refuse("its sparse map is damaged")
		}
		numbers, err = oldGNUEntries(numbers, rest[:21*24])
		extended = rest[504] != 0
		rest = rest[headerBlock:]
	}
	return numbers, err
}

func oldGNUEntries(numbers []int64, b []byte) ([]int64, error) {
	for ; len(b) > 0 && b[0] != 0; b = b[24:] {
		offset, ok1 := numeric(b[:12])
		length, ok2 := numeric(b[12:24])
		if !ok1 || !ok2 {
			return nil, refuse("its sparse map is damaged")
		}
		numbers = append(numbers, offset, length)
	}
	return numbers, nil
}

// pax1Map reads the lines that stand before the data: their number of pairs, and the pairs.
func pax1Map(b []byte) ([]int64, error) {
	lines := strings.Split(string(b), "\n")
	count, err := strconv.ParseInt(lines[0], 10, 32)
	if err != nil || count < 0 || 1+2*count > int64(len(lines)) {
		return nil, refuse("its sparse map is damaged")
	}
	return decimals(lines[1 : 1+2*count])
}

func decimals(words []string) ([]int64, error) {
	numbers := make([]int64, len(words))
	for i, w := range words {
		var err error
		if numbers[i], err = strconv.ParseInt(w, 10, 64); err != nil {
			return nil, refuse("its sparse map is damaged")
		}
	}
	return numbers, nil
}

// newSparse makes the extents from pairs of offset and length.
func newSparse(numbers []int64, payload, content int64) (*sparse, error) {
	s := &sparse{extents: []extent{}}
	var end, at int64
	for i := 0; i+1 < len(numbers); i += 2 {
		e := extent{content: numbers[i], payload: at, length: numbers[i+1]}
		if e.content < end || e.length < 0 || e.content > content-e.length {
			return nil, refuse("its sparse map is damaged")
		}
		end, at = e.content+e.length, at+e.length
		if e.length > 0 {
			s.extents = append(s.extents, e)
		}
	}
	if at != payload {
		return nil, refuse("its sparse map tells of %d bytes, but there are %d", at, payload)
	}
	return s, nil
}
