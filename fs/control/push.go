package control

import (
	"context"

	"github.com/imagefs/imagefs"
)

// Pusher is what ctl/push needs.
type Pusher interface {
	Push(ctx context.Context, req imagefs.PushRequest, report imagefs.Reporter) error
}

// Push is docker's verb.
func Push(p Pusher) Verb {
	parse := func(words []string) (Work, error) {
		var req imagefs.PushRequest
		rest, err := options{
			flags: map[string]*bool{"-a": &req.AllTags, "--all-tags": &req.AllTags},
		}.parse(words)
		if err != nil {
			return nil, err
		}
		if req.Ref, err = one(rest, "image"); err != nil {
			return nil, err
		}
		return func(ctx context.Context, j Job) error { return p.Push(ctx, req, j) }, nil
	}
	return Verb{Name: "push", Usage: "[-d] [-a] NAME[:TAG]", Parse: parse}
}
