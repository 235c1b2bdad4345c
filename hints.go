package imagefs

import "errors"

// hints say what to do where only the kind of an error is known.
var hints = map[Kind]string{
	NotFound:    "check the name and the tag",
	Denied:      "log in with docker login: its credentials are used",
	Refused:     "is a registry running there, and is the port right?",
	Unreachable: "check the registry's name and the network",
	TimedOut:    "try again: what was downloaded is kept",
	Unavailable: "try again later: what was downloaded is kept",
	Corrupt:     "the registry does not serve what it promised; tell its owner",
	NoSpace:     "make room in the store's file system; what was downloaded is kept",
	Canceled:    "what was downloaded is kept",
}

// withHints gives an error that has one of [hints] what own says instead.
func withHints(err error, own map[Kind]string) error {
	var e *Error
	if errors.As(err, &e) && e.Hint != "" && e.Hint == hints[e.Kind] && own[e.Kind] != "" {
		e.Hint = own[e.Kind]
	}
	return err
}
