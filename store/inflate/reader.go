package inflate

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// Reader decodes a gzip stream: all its members, one after the other. It reads its input beyond what it needs, and to the
// end. Anything after the last member that is not a member is an error.
type Reader struct {
	member inflater
	crc    uint32
	size   uint32 // of what the member was so far, modulo 1<<32, as its trailer has it
	ended  bool   // its data has been decoded, and its trailer comes next
	err    error  // what Read returns once all is read
}

// NewReader reads the first header, whose error is returned: [ErrHeader] if r is no gzip stream.
func NewReader(r io.Reader) (*Reader, error) {
	z := &Reader{}
	z.member.in.from = r
	if err := z.begin(); err != nil {
		return nil, truncated(err)
	}
	return z, nil
}

// Read implements [io.Reader]. A stream that ends too early is [io.ErrUnexpectedEOF], another that is not valid
// [ErrHeader], [ErrChecksum], or a [*FormatError]; any other error is that of the reader beneath. All that was decoded
// before an error is read first.
func (z *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	out := &z.member.out
	for len(out.pending()) == 0 {
		if z.err != nil {
			return 0, z.err
		}
		z.err = z.more()
	}
	n := copy(p, out.pending())
	out.read += n
	return n, nil
}

// more decodes the next part of the member, or begins the next member: io.EOF if there is none.
func (z *Reader) more() error {
	if z.ended {
		return z.end()
	}
	z.member.out.slide()
	err := z.member.decode()
	b := z.member.out.pending()
	z.crc = crc32.Update(z.crc, crc32.IEEETable, b)
	z.size += uint32(len(b))
	z.ended = err == io.EOF
	if z.ended {
		return nil
	}
	return err
}

// end reads the trailer, and the next header.
func (z *Reader) end() error {
	in := &z.member.in
	in.align()
	var b [8]byte
	if err := in.readFull(b[:]); err != nil {
		return truncated(err)
	}
	if binary.LittleEndian.Uint32(b[:]) != z.crc || binary.LittleEndian.Uint32(b[4:]) != z.size {
		return ErrChecksum
	}
	return z.begin()
}

// begin reads a header: io.EOF if there is none.
func (z *Reader) begin() error {
	if err := readHeader(&z.member.in); err != nil {
		return err
	}
	z.crc, z.size, z.ended = 0, 0, false
	z.member.begin()
	return nil
}
