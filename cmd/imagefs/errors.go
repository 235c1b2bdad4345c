package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/imagefs/imagefs"
)

// Exit statuses, as docker has them; a signal's is 128 and its number. docs/cli.md lists them.
const (
	exitOK       = 0
	exitFailed   = 1
	exitTemplate = 64 // a template of inspect that cannot be read
	exitUsage    = 125
	exitSignal   = 128
)

// usageError is a command line that cannot be understood. Its text is printed as it is.
type usageError struct {
	text   string
	status int
}

func (e *usageError) Error() string { return e.text }

// statusError ends the command with a status other than 1.
type statusError struct {
	err    error
	status int
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// silentError ends the command with a status and says nothing more.
type silentError struct{ status int }

func (e *silentError) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// report writes what went wrong, if anything, and returns the exit status.
func report(out io.Writer, err error) int {
	var (
		usage   *usageError
		silent  *silentError
		stopped *signalError
		status  *statusError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &silent):
		return silent.status
	case errors.As(err, &usage):
		fmt.Fprintln(out, usage)
		return usage.status
	case errors.As(err, &stopped):
		return exitSignal + int(stopped.signal)
	case errors.As(err, &status):
		complain(out, status.err)
		return status.status
	}
	complain(out, err)
	return exitFailed
}

// complain writes each of the errors that err joins: docker's sentence, and below it what to do.
func complain(out io.Writer, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			complain(out, one)
		}
		return
	}
	known, ok := err.(*imagefs.Error)
	if !ok {
		fmt.Fprintf(out, "imagefs: %v\n", err)
		return
	}
	fmt.Fprintf(out, "imagefs: %v\n", known.Err)
	if known.Hint != "" {
		fmt.Fprintf(out, "  %s\n", known.Hint)
	}
}
