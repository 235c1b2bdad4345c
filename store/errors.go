package store

import (
	"errors"
	"fmt"

	digest "github.com/opencontainers/go-digest"
)

// ErrNotFound says that the store has no such blob, image or reference.
var ErrNotFound = errors.New("not in the store")

// DigestError says that bytes are not what their digest promises.
type DigestError struct {
	What string // "blob", "layer diffID", …
	Want digest.Digest
	Got  digest.Digest // "" if it is not known, of a blob that is longer than it should be
}

func (e *DigestError) Error() string {
	if e.Got == "" {
		return fmt.Sprintf("%s: not %s", e.What, e.Want)
	}
	return fmt.Sprintf("%s: got %s, want %s", e.What, e.Got, e.Want)
}

// UnsupportedError says that a blob is of a media type the store cannot unpack.
type UnsupportedError struct{ MediaType string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("layers of media type %q are not supported", e.MediaType)
}
