package inflate

import (
	"encoding/binary"
	"io"
)

const inputSize = 64 << 10

// maxEmptyReads is how often a reader may return nothing, and no error, in a row.
const maxEmptyReads = 100

// input is a stream of bits, and of bytes.
type input struct {
	from io.Reader
	err  error // from's, io.EOF included: nothing follows what is in buf
	buf  [inputSize]byte
	pos  int // buf[pos:end] has been read and is in bits not yet
	end  int

	// The lowest count bits of bits are the next of the stream. Those above are zero, or what follows in the stream.
	bits  uint64
	count uint
}

// ahead is how many bytes are in buf.
func (in *input) ahead() int { return in.end - in.pos }

// unread gives the whole bytes in bits back to buf.
func (in *input) unread() {
	in.pos -= int(in.count / 8)
	in.count %= 8
	in.bits &= 1<<in.count - 1
}

// fill reads until buf holds at least n bytes, or the stream has ended. n is small.
func (in *input) fill(n int) {
	if in.ahead() >= n || in.err != nil {
		return
	}
	in.unread()
	in.end = copy(in.buf[:], in.buf[in.pos:in.end])
	in.pos = 0
	for empty := 0; in.end < n && in.err == nil; {
		var read int
		read, in.err = in.from.Read(in.buf[in.end:])
		in.end += read
		switch {
		case read > 0:
			empty = 0
		case in.err == nil:
			if empty++; empty == maxEmptyReads {
				in.err = io.ErrNoProgress
			}
		}
	}
}

// refill makes count at least 56, if the stream has that many bits.
func (in *input) refill() {
	in.fill(8)
	if in.ahead() >= 8 {
		in.bits |= binary.LittleEndian.Uint64(in.buf[in.pos:]) << (in.count & 63)
		in.pos += int(63-in.count) / 8
		in.count |= 56
		return
	}
	for in.count < 56 && in.pos < in.end {
		in.bits |= uint64(in.buf[in.pos]) << (in.count & 63)
		in.pos++
		in.count += 8
	}
}

// need makes sure that there are n bits, at most 56.
func (in *input) need(n uint) error {
	if in.count >= n {
		return nil
	}
	if in.refill(); in.count < n {
		return truncated(in.err)
	}
	return nil
}

// drop removes n bits that are there.
func (in *input) drop(n uint) {
	in.bits >>= n & 63
	in.count -= n
}

// take reads a number of n bits, at most 56.
func (in *input) take(n uint) (uint, error) {
	if err := in.need(n); err != nil {
		return 0, err
	}
	v := uint(in.bits & (1<<n - 1))
	in.drop(n)
	return v, nil
}

// align skips the bits up to the next byte of the stream, after which bytes can be read.
func (in *input) align() {
	in.drop(in.count % 8)
	in.unread()
}

// bytes returns up to max bytes of the stream, valid until the next call; none if it has ended.
func (in *input) bytes(max int) []byte {
	in.fill(1)
	b := in.buf[in.pos:min(in.end, in.pos+max)]
	in.pos += len(b)
	return b
}

// readFull reads len(b) bytes: io.EOF if the stream has ended before the first, io.ErrUnexpectedEOF if before the last.
func (in *input) readFull(b []byte) error {
	for n := 0; n < len(b); {
		part := in.bytes(len(b) - n)
		if len(part) == 0 && n == 0 {
			return in.err
		}
		if len(part) == 0 {
			return truncated(in.err)
		}
		n += copy(b[n:], part)
	}
	return nil
}
