package layer

import (
	"bytes"
	"strconv"
	"strings"
)

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
