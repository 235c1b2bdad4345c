package main

import (
	"os"

	"golang.org/x/term"

	"github.com/imagefs/imagefs"
)

// reporter shows how an operation goes on; end is called once, after all reports, with the operation's error.
type reporter interface {
	imagefs.Reporter
	end(err error)
}

// newReporter is for what docker tells of every layer; quiet leaves the last line.
func newReporter(quiet bool) reporter {
	switch {
	case quiet:
		return &lastLine{out: os.Stdout}
	case hasRoom(os.Stdout):
		return &bars{out: os.Stdout}
	}
	return &lines{out: os.Stdout}
}

// newQuietReporter is for what docker tells of layers on a terminal only, unless quiet.
func newQuietReporter(quiet bool) reporter {
	if !quiet && hasRoom(os.Stdout) {
		return &bars{out: os.Stdout}
	}
	return &plain{lines{out: os.Stdout}}
}

// hasRoom tells whether f is a terminal that knows its size; bars need some.
func hasRoom(f *os.File) bool {
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && height > 0
}
