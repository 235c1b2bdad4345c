package imagefs

import (
	"errors"
	"syscall"

	"github.com/imagefs/imagefs/builder/copying"
	"github.com/imagefs/imagefs/builder/dockerfile"
)

// explain gives an error its kind, and keeps where in the Dockerfile it belongs.
func (b *build) explain(err error) error {
	var (
		place  *dockerfile.Error
		known  *Error
		source *copying.SourceError
		name   *copying.NameError
		errno  syscall.Errno
	)
	isPlaced := errors.As(err, &place)
	switch {
	case errors.As(err, &known) && isPlaced && err != error(known):
		return &Error{
			Kind: known.Kind, Subject: known.Subject, Hint: known.Hint,
			Err: &dockerfile.Error{File: place.File, Line: place.Line, Column: place.Column, Err: known.Err},
		}
	case known != nil:
		return err
	case errors.As(err, &source):
		return &Error{Kind: NotFound, Err: err, Hint: "paths begin at the build's context, and .dockerignore hides some"}
	case errors.As(err, &name):
		return &Error{Kind: Unsupported, Subject: name.Path, Err: err, Hint: "rename it"}
	}
	kind := KindOf(err)
	if kind == Internal && isPlaced && !errors.As(err, &errno) {
		kind = Invalid
	}
	return &Error{Kind: kind, Err: err}
}
