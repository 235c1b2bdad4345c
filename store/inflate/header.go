package inflate

import (
	"hash/crc32"
)

// Flags of a header (RFC 1952, 2.3.1). The one for text has no meaning here, and reserved ones are ignored.
const (
	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
)

// header reads bytes and sums them up.
type header struct {
	in  *input
	crc uint32
}

// readHeader skips a header. It returns io.EOF if the input has ended before it.
func readHeader(in *input) error {
	h := header{in: in}
	var b [10]byte
	if err := h.read(b[:]); err != nil {
		return err
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return ErrHeader
	}
	return truncated(h.skipFields(b[3]))
}

func (h *header) read(b []byte) error {
	if err := h.in.readFull(b); err != nil {
		return err
	}
	h.crc = crc32.Update(h.crc, crc32.IEEETable, b)
	return nil
}

// skipFields reads the fields that flags say are there.
func (h *header) skipFields(flags byte) error {
	if flags&flagExtra != 0 {
		if err := h.skipExtra(); err != nil {
			return err
		}
	}
	for _, flag := range []byte{flagName, flagComment} {
		if flags&flag != 0 {
			if err := h.skipString(); err != nil {
				return err
			}
		}
	}
	if flags&flagHeaderCRC != 0 {
		return h.checkCRC()
	}
	return nil
}

func (h *header) skipExtra() error {
	var size [2]byte
	if err := h.read(size[:]); err != nil {
		return err
	}
	return h.read(make([]byte, int(size[0])|int(size[1])<<8))
}

// skipString skips what a zero byte ends.
func (h *header) skipString() error {
	var b [1]byte
	for {
		if err := h.read(b[:]); err != nil || b[0] == 0 {
			return err
		}
	}
}

func (h *header) checkCRC() error {
	want := uint16(h.crc)
	var b [2]byte
	if err := h.in.readFull(b[:]); err != nil {
		return err
	}
	if uint16(b[0])|uint16(b[1])<<8 != want {
		return ErrHeader
	}
	return nil
}
