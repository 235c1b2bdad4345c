package imagefs

import (
	"context"
	"io"
	"os"

	"github.com/imagefs/imagefs/store"
)

// Load reads an archive, or an OCI layout, in whichever of the formats it is: docker-archive, OCI archive, either of them
// compressed. Its lines are docker's "Loaded image: …". A failure leaves the store as it was.
func (e *Engine) Load(ctx context.Context, r io.Reader, report Reporter) ([]*store.Image, error) {
	panic("stub")
}

// LoadFile is Load of an open file, which may be a directory: an OCI layout.
func (e *Engine) LoadFile(ctx context.Context, f *os.File, report Reporter) ([]*store.Image, error) {
	panic("stub")
}
