package imagefs

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"syscall"

	"github.com/distribution/reference"

	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
)

// Kind is what went wrong, as far as a program may want to act on it.
type Kind uint8

const (
	Internal    Kind = iota // nothing below fits
	Invalid                 // a bad reference, an unknown option, too few words
	NotFound                // no such image, tag, repository or job
	InUse                   // the image, the store or the mount point is in use
	Denied                  // the registry, or the system, forbids it
	Refused                 // nothing listens at the registry's address
	Unreachable             // no route to the registry, or no such host
	TimedOut                // the registry or the transfer stalled
	Unavailable             // the registry answers, but only with errors
	Corrupt                 // bytes that are not what was promised, received or stored
	NoSpace                 // the disk is full
	Unsupported             // a media type or a platform that imagefs, or the image, does not have
	Canceled                // by the user
)

var kindNames = [...]string{
	Internal: "internal", Invalid: "invalid", NotFound: "not found", InUse: "in use", Denied: "denied",
	Refused: "refused", Unreachable: "unreachable", TimedOut: "timed out", Unavailable: "unavailable",
	Corrupt: "corrupt", NoSpace: "no space", Unsupported: "unsupported", Canceled: "canceled",
}

func (k Kind) String() string { return kindNames[k] }

// Error is a failed operation.
type Error struct {
	Kind    Kind
	Subject string // the word of the command that is at fault; "" if none is
	Err     error  // the cause, a sentence without a final stop
	Hint    string // what to do, a sentence without a final stop; "" if there is nothing to add
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + " (" + e.Hint + ")"
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf classifies any error of this module, of the network and of the system.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e.Kind
	}
	for _, row := range sentinels {
		if errors.Is(err, row.err) {
			return row.kind
		}
	}
	return kindOfType(err)
}

// sentinels is in the order of precedence: a wrapped network error says more than ErrUnavailable around it.
var sentinels = []struct {
	err  error
	kind Kind
}{
	{context.Canceled, Canceled},
	{syscall.EINTR, Canceled},
	{syscall.ENOSPC, NoSpace},
	{syscall.EDQUOT, NoSpace},
	{syscall.ECONNREFUSED, Refused},
	{syscall.EHOSTUNREACH, Unreachable},
	{syscall.ENETUNREACH, Unreachable},
	{registry.ErrStalled, TimedOut},
	{context.DeadlineExceeded, TimedOut},
	{syscall.ETIMEDOUT, TimedOut},
	{registry.ErrUnauthorized, Denied},
	{registry.ErrDenied, Denied},
	{registry.ErrTooLarge, Corrupt},
	{registry.ErrTruncated, Corrupt},
	{registry.ErrProtocol, Corrupt},
	{registry.ErrNotFound, NotFound},
	{reference.ErrReferenceInvalidFormat, Invalid},
	{registry.ErrUnavailable, Unavailable},
	{registry.ErrUnsupported, Unsupported},
	{store.ErrNotFound, NotFound},
	{fs.ErrPermission, Denied},
	{syscall.EROFS, Denied},
	{syscall.EBUSY, InUse},
	{fs.ErrNotExist, NotFound},
}

func kindOfType(err error) Kind {
	var (
		format      *layer.FormatError
		corrupt     *layer.CorruptError
		mismatch    *store.DigestError
		unsupported *store.UnsupportedError
		dns         *net.DNSError
		errno       syscall.Errno // says of itself that EAGAIN is a timeout
		timeout     interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &format), errors.As(err, &corrupt), errors.As(err, &mismatch):
		return Corrupt
	case errors.As(err, &unsupported):
		return Unsupported
	case errors.As(err, &dns):
		return Unreachable
	case !errors.As(err, &errno) && errors.As(err, &timeout) && timeout.Timeout():
		return TimedOut
	}
	return Internal
}
