package imagefs

import "github.com/imagefs/imagefs/store"

// Resolve finds the image that a word means, as docker does: a name with or without host, repository path and tag; a
// name with a digest; an ID or a unique prefix of one, with or without "sha256:". An index or manifest digest means
// its image. The error is of kind NotFound or Invalid.
func Resolve(snap *store.Snapshot, word string) (*store.Image, error) { panic("unwritten") }
