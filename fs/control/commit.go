package control

import (
	"context"

	"github.com/imagefs/imagefs"
)

// Commit is docker's verb.
func Commit(c Containers) Verb {
	parse := func(words []string) (Work, error) {
		var req imagefs.CommitRequest
		var pause bool // for docker's sake: what runs in the container goes on
		rest, err := options{
			flags:  map[string]*bool{"-p": &pause, "--pause": &pause},
			values: map[string]*string{"-a": &req.Author, "--author": &req.Author, "-m": &req.Message, "--message": &req.Message},
			lists:  map[string]*[]string{"-c": &req.Changes, "--change": &req.Changes},
		}.parse(words)
		if err != nil {
			return nil, err
		}
		if req.Container, req.Ref, err = oneNamed(rest, "container"); err != nil {
			return nil, err
		}
		return func(ctx context.Context, j Job) error {
			_, err := c.Commit(ctx, req, j)
			return err
		}, nil
	}
	return Verb{
		Name:  "commit",
		Usage: "[-d] [-a AUTHOR] [-m MESSAGE] [-c CHANGE]... CONTAINER [REPOSITORY[:TAG]]",
		Parse: parse,
	}
}
