package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"syscall"
	"time"
)

// A failure is tried again as often as its class allows.
type class int

const (
	final   class = iota // it would come again
	stalled              // each attempt costs a whole StallTimeout
	broken               // ended early, or beyond understanding
	busy                 // asked to come again, or the connection failed
	classes
)

var limits = [classes]int{final: 1, stalled: 2, broken: 4, busy: 8} // attempts

const maxPause = 5 * time.Second // between two attempts, if the server names no time

// attempts counts the failures of one question.
type attempts struct {
	pause    time.Duration // before the first retry; it doubles with each
	patience time.Duration // what servers may ask for with Retry-After, in all; it does not come back
	resuming bool          // there was an answer once, so a host that cannot be reached may come back
	failed   [classes]int
}

// run calls f until it succeeds, or fails too often.
func (a *attempts) run(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		if err := a.again(ctx, err); err != nil {
			return err
		}
	}
}

// progress forgets the failures so far.
func (a *attempts) progress() { a.failed = [classes]int{} }

// again waits for the time of the next attempt after err and returns nil, or returns the error to give up with.
func (a *attempts) again(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if asked := retryAfter(err); asked > 0 {
		return a.wait(ctx, asked, err)
	}
	class := a.classify(err)
	a.failed[class]++
	if a.failed[class] >= limits[class] {
		return a.last(class, err)
	}
	return sleep(ctx, a.backoff())
}

// wait is for a server that says when it will be well: only time counts.
func (a *attempts) wait(ctx context.Context, asked time.Duration, err error) error {
	if a.patience <= 0 {
		return err
	}
	asked = min(asked, a.patience)
	a.patience -= asked
	return sleep(ctx, asked)
}

// last is the error to give up with, of the kind that its class makes it, unless it has one.
func (a *attempts) last(class class, err error) error {
	switch {
	case class == final || hasKind(err):
		return err
	case class == busy:
		return fail(ErrUnavailable, "%v", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fail(ErrTruncated, "%v", err)
	}
	return fail(ErrProtocol, "%v", err)
}

// backoff is a random time up to twice as long as before the attempt before.
func (a *attempts) backoff() time.Duration {
	n := -1
	for _, failed := range a.failed {
		n += failed
	}
	pause := min(maxPause, a.pause<<max(0, n))
	return pause/2 + rand.N(pause/2+1)
}

func (a *attempts) classify(err error) class {
	var (
		reply  *answer
		source *sourceError
	)
	switch {
	case errors.As(err, &source):
		return final
	case errors.Is(err, ErrStalled):
		return stalled
	case errors.Is(err, ErrTruncated), errors.Is(err, io.ErrUnexpectedEOF):
		return broken
	case errors.As(err, &reply) && reply.busy():
		return busy
	case hasKind(err):
		return final
	case isUnreachable(err) && a.resuming:
		return busy
	case isUnreachable(err), isUntrusted(err):
		return final
	case isBroken(err):
		return busy
	}
	return broken
}

// hasKind tells whether err is one of this package's own.
func hasKind(err error) bool {
	for _, kind := range []error{
		ErrNotFound, ErrUnauthorized, ErrDenied, ErrTooLarge, ErrTruncated, ErrStalled, ErrUnavailable, ErrUnsupported, ErrProtocol,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// isUnreachable tells whether nobody is there.
func isUnreachable(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return !dns.IsTimeout && !dns.IsTemporary
	}
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

// isUntrusted tells whether somebody else is there.
func isUntrusted(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
	)
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

// isBroken tells whether a connection was lost.
func isBroken(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func retryAfter(err error) time.Duration {
	var reply *answer
	if !errors.As(err, &reply) || !reply.busy() {
		return 0
	}
	return reply.retryAfter
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
