package control

import (
	"context"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
)

// Containers is what the working containers' verbs, and containers/, need.
type Containers interface {
	Create(ctx context.Context, req imagefs.CreateRequest, report imagefs.Reporter) (*container.Container, error)
	Commit(ctx context.Context, req imagefs.CommitRequest, report imagefs.Reporter) (*store.Image, error)
	RemoveContainer(ctx context.Context, word string, force bool) error
	Containers() ([]*container.Container, error)
	Container(word string) (*container.Container, error)
	Changes(ctx context.Context, word string) ([]container.Change, error)
}

// Create is docker's verb, without a command.
func Create(c Containers) Verb {
	parse := func(words []string) (Work, error) {
		var req imagefs.CreateRequest
		rest, err := options{values: map[string]*string{"--name": &req.Name}}.parse(words)
		if err != nil {
			return nil, err
		}
		if req.Image, err = one(rest, "image"); err != nil {
			return nil, err
		}
		return func(ctx context.Context, j Job) error {
			_, err := c.Create(ctx, req, j)
			return err
		}, nil
	}
	return Verb{Name: "create", Usage: "[-d] [--name NAME] IMAGE", Parse: parse}
}
