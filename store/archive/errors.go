package archive

import (
	"fmt"
	"strings"

	digest "github.com/opencontainers/go-digest"
)

// UnknownError says that what was read is no archive of images.
type UnknownError struct{ Detail string }

func (e *UnknownError) Error() string { return "unsupported image archive: " + e.Detail }

// DamagedError says that an archive is not whole, or that something in it is not what it should be.
type DamagedError struct {
	Entry string // the name of what is at fault, "" for the archive itself
	Err   error
}

func (e *DamagedError) Error() string {
	if e.Entry == "" {
		return "damaged image archive: " + e.Err.Error()
	}
	return fmt.Sprintf("damaged image archive: %s: %v", e.Entry, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// MissingError says that layers are neither in the archive nor in the store.
type MissingError struct{ Layers []digest.Digest } // diffIDs

func (e *MissingError) Error() string {
	list := make([]string, len(e.Layers))
	for i, d := range e.Layers {
		list[i] = d.String()
	}
	return "neither the archive nor the store has " + strings.Join(list, ", ")
}

func damaged(entry, format string, args ...any) error {
	return &DamagedError{Entry: entry, Err: fmt.Errorf(format, args...)}
}
