package layer

import (
	"io"
	"os"

	digest "github.com/opencontainers/go-digest"
)

// LargeSize is the size in bytes from which a payload is stored by its digest, once across all layers.
const LargeSize = 1 << 20

// LargeFiles keeps payloads by the sha256 of their content, and opens what layers share: those payloads, and the
// uncompressed blobs that are their own pack.
type LargeFiles interface {
	// Create returns a new file to write a payload to. Its owner calls Commit or Discard on it, once.
	Create() (LargeFile, error)
	// OpenLarge opens the payload d for reading. The caller closes it.
	OpenLarge(d digest.Digest) (*os.File, error)
	// OpenBlob opens the blob d for reading. The caller closes it.
	OpenBlob(d digest.Digest) (*os.File, error)
}

// LargeFile is a payload on its way to a [LargeFiles].
type LargeFile interface {
	io.Writer
	// Commit publishes what was written as the payload d, durably; if d is stored already, what was written is dropped.
	Commit(d digest.Digest) error
	// Discard drops what was written.
	Discard()
}
