package layer

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// LargeSize is the size in bytes from which a payload is stored by its digest, once across all layers.
const LargeSize = 1 << 20

// Type says what an entry of a layer is.
type Type uint8

const (
	Regular Type = iota + 1
	Directory
	Symlink
	HardLink // to Link, another name in this layer or below
	Char
	Block
	Fifo
	Whiteout // Name is what it removes from the layers below
	Opaque   // Name is the directory whose lower contents it hides
)

// Entry is one entry of the archive, normalised.
type Entry struct {
	// Name is the path below the root, cleaned, with no leading slash; "." is the root itself. Bytes, not
	// necessarily UTF-8.
	Name string
	Type Type
	Attr Attr
	// Link is a symlink's target as it stands, or the cleaned name that a hard link points to.
	Link string
}

// Attr is what lstat(2) tells of an entry. For a hard link it is that of its header, and Size is 0.
type Attr struct {
	Mode  uint32 // st_mode: type and permission bits
	UID   uint32
	GID   uint32
	Nlink uint32 // how many names of this layer are this file, by the layer alone; 1 for all but regular files' groups
	Size  int64  // bytes; of a symlink, the length of its target
	Sec   int64  // mtime, seconds since the epoch, possibly negative
	Nsec  uint32
	Rdev  uint64 // as unix.Mkdev makes it
}

// MTime is the modification time.
func (a Attr) MTime() time.Time { return time.Unix(a.Sec, int64(a.Nsec)) }

// Xattr is one extended attribute.
type Xattr struct {
	Name  string
	Value []byte
}

// CorruptError says that a stored file does not hold what was once written there.
type CorruptError struct {
	Path   string
	Detail string
}

func (e *CorruptError) Error() string { return fmt.Sprintf("%s is damaged: %s", e.Path, e.Detail) }

// FormatError says that a tar stream cannot be a layer: a broken header, a name with "..", an id out of range.
type FormatError struct {
	Entry  string // the name of the entry at fault, as far as it is known
	Detail string
}

func (e *FormatError) Error() string {
	if e.Entry == "" {
		return "not a valid layer: " + e.Detail
	}
	return fmt.Sprintf("not a valid layer: entry %q: %s", e.Entry, e.Detail)
}

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

// UnpackOptions says how [Unpack] stores a layer.
type UnpackOptions struct {
	Large LargeFiles
	// InBlob says that the stream is the blob itself: payloads are left where they are in it.
	InBlob bool
}

// Unpack reads an uncompressed tar stream to its end and writes its layer into dir, which exists and is empty. All
// files are synced when it returns. It returns the diffID, the sha256 of all it read. The stream's own error is returned
// as it is; an archive that is no layer is a [*FormatError].
func Unpack(ctx context.Context, dir string, stream io.Reader, o UnpackOptions) (digest.Digest, error) {
	panic("unwritten")
}

// Layer is an open layer. Its methods may be called from many goroutines. An entry is named by its position in the
// archive, from 0 to Len()-1; positions are the same each time a tar is unpacked.
type Layer struct{}

// Open maps the layer in dir.
func Open(dir string, diffID digest.Digest, large LargeFiles) (*Layer, error) { panic("unwritten") }

// Close unmaps the layer. No method may be running or called afterwards.
func (l *Layer) Close() error { panic("unwritten") }

// DiffID is the sha256 of the layer's tar.
func (l *Layer) DiffID() digest.Digest { panic("unwritten") }

// Len is the number of entries.
func (l *Layer) Len() int { panic("unwritten") }

// Size is the sum of the regular files' sizes in bytes, as docker counts a layer's size.
func (l *Layer) Size() int64 { panic("unwritten") }

// Entry returns entry i.
func (l *Layer) Entry(i int) (Entry, error) { panic("unwritten") }

// Type returns entry i's type alone.
func (l *Layer) Type(i int) (Type, error) { panic("unwritten") }

// Attr returns entry i's attributes alone, without allocating.
func (l *Layer) Attr(i int) (Attr, error) { panic("unwritten") }

// Link returns entry i's Link alone.
func (l *Layer) Link(i int) (string, error) { panic("unwritten") }

// Xattrs returns entry i's extended attributes, sorted by name.
func (l *Layer) Xattrs(i int) ([]Xattr, error) { panic("unwritten") }

// Digest returns the sha256 of regular file i's content.
func (l *Layer) Digest(i int) (digest.Digest, error) { panic("unwritten") }

// ReadAt reads regular file i's content as [io.ReaderAt] does.
func (l *Layer) ReadAt(i int, p []byte, off int64) (int, error) { panic("unwritten") }

// TarSize is the size of the uncompressed tar in bytes.
func (l *Layer) TarSize() int64 { panic("unwritten") }

// ReadTarAt reads the original tar stream as [io.ReaderAt] does.
func (l *Layer) ReadTarAt(p []byte, off int64) (int, error) { panic("unwritten") }
