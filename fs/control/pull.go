package control

import (
	"context"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

// Puller is what ctl/pull needs.
type Puller interface {
	Pull(ctx context.Context, req imagefs.PullRequest, report imagefs.Reporter) ([]*store.Image, error)
}

// Pull is docker's verb.
func Pull(p Puller) Verb {
	parse := func(words []string) (Work, error) {
		var req imagefs.PullRequest
		rest, err := options{
			flags: map[string]*bool{
				"-a": &req.AllTags, "--all-tags": &req.AllTags, "--all-platforms": &req.AllPlatforms,
			},
			values: map[string]*string{"--platform": &req.Platform},
		}.parse(words)
		if err != nil {
			return nil, err
		}
		if req.Ref, err = one(rest, "image"); err != nil {
			return nil, err
		}
		if req.Platform != "" && req.AllPlatforms {
			return nil, invalid("--all-platforms", "", "--platform and --all-platforms exclude each other")
		}
		return func(ctx context.Context, j Job) error {
			_, err := p.Pull(ctx, req, j)
			return err
		}, nil
	}
	return Verb{
		Name:  "pull",
		Usage: "[-d] [--platform OS/ARCH[/VARIANT] | --all-platforms] [-a] NAME[:TAG|@DIGEST]",
		Parse: parse,
	}
}

// oneNamed returns the first word, which is a what, and the name that may follow it.
func oneNamed(words []string, what string) (word, name string, err error) {
	switch len(words) {
	case 0:
		return "", "", invalid("", "", "the %s is missing", what)
	case 1:
		return words[0], "", nil
	case 2:
		return words[0], words[1], nil
	}
	return "", "", invalid(words[2], "", "one %s and one name a line, please", what)
}

// one returns the only word, which is a what.
func one(words []string, what string) (string, error) {
	switch len(words) {
	case 0:
		return "", invalid("", "", "the %s is missing", what)
	case 1:
		return words[0], nil
	}
	return "", invalid(words[1], "", "one %s a line, please", what)
}
