package imagefs

import (
	"github.com/imagefs/imagefs/store"
)

// DiffEntry is a path that two images have differently.
type DiffEntry struct {
	Kind byte // 'A' added, 'C' changed, 'D' deleted, docker's letters
	Path string
}

// Diff compares the merged trees of two images, or, if from is nil, that of to with the image without its last layer. It is
// sorted by path.
func Diff(s *store.Store, from, to *store.Image) ([]DiffEntry, error) { panic("stub") }
