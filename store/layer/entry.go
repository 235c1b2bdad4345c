package layer

import "time"

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
	Nlink uint32 // how many names of this layer are this file in the end, by the layer alone; 1 without hard links
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
