package store

import (
	"context"
	"os"

	digest "github.com/opencontainers/go-digest"
)

// Pins keep images that are gone from the references readable, with all that is derived of them, as long as somebody has
// the file's lock: a mount, whose kernel may still read them. It is ROOT/mounts/<name>.
type Pins struct{}

// LockPins makes the pin file name and takes its lock, which lasts as long as the file, or a copy of the descriptor, in
// any process, is open.
func LockPins(root, name string) (*os.File, error) { panic("stub") }

// OpenPins is for who has such a descriptor.
func (s *Store) OpenPins(f *os.File) (*Pins, error) { panic("stub") }

// Set replaces what is pinned, before it returns. Images that were removed meanwhile cannot be pinned any more: Set
// returns those that are pinned.
func (p *Pins) Set(ctx context.Context, ids []digest.Digest) ([]digest.Digest, error) { panic("stub") }

// IDs is what is pinned.
func (p *Pins) IDs() []digest.Digest { panic("stub") }

// Retained returns an image that may be gone from the references but is pinned, as the snapshot had it; ErrNotFound.
func (s *Store) Retained(id digest.Digest) (*Image, error) { panic("stub") }
