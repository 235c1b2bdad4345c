package inflate

import (
	"errors"
	"io"
)

// ErrHeader says that a gzip stream, or one of its members, does not begin with a valid header, or with one whose CRC-16
// differs.
var ErrHeader = errors.New("invalid gzip header")

// ErrChecksum says that a member is not what its trailer says: its CRC-32 or its size differs.
var ErrChecksum = errors.New("wrong gzip checksum")

// FormatError says what is wrong in a DEFLATE stream.
type FormatError struct {
	Detail string
}

func (e *FormatError) Error() string { return "invalid DEFLATE stream: " + e.Detail }

func invalid(detail string) error { return &FormatError{Detail: detail} }

// truncated is what an end of input in the middle of something is; other errors stay.
func truncated(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

var (
	errTooFar  = invalid("distance too far back")
	errBadCode = invalid("no symbol has this codeword")
)
