package control

import (
	"context"

	"github.com/imagefs/imagefs"
)

// Remover is what ctl/rmi needs.
type Remover interface {
	Remove(ctx context.Context, req imagefs.RemoveRequest, report imagefs.Reporter) error
}

// Remove is docker's rmi.
func Remove(r Remover) Verb {
	parse := func(words []string) (Work, error) {
		var req imagefs.RemoveRequest
		var err error
		req.Refs, err = options{flags: map[string]*bool{"-f": &req.Force, "--force": &req.Force}}.parse(words)
		if err != nil {
			return nil, err
		}
		if len(req.Refs) == 0 {
			return nil, invalid("", "", "the image is missing")
		}
		return func(ctx context.Context, j Job) error {
			req.Again = j.Again()
			return r.Remove(ctx, req, j)
		}, nil
	}
	return Verb{Name: "rmi", Usage: "[-d] [-f] IMAGE...", Parse: parse}
}
