package control

import (
	"context"
	"errors"

	"github.com/imagefs/imagefs"
)

// RemoveContainer is docker's rm. What fails does not keep the others from being removed.
func RemoveContainer(c Containers) Verb {
	parse := func(words []string) (Work, error) {
		var force bool
		rest, err := options{flags: map[string]*bool{"-f": &force, "--force": &force}}.parse(words)
		if err != nil {
			return nil, err
		}
		if len(rest) == 0 {
			return nil, invalid("", "", "the container is missing")
		}
		return func(ctx context.Context, j Job) error {
			var failed []error
			for _, word := range rest {
				err := c.RemoveContainer(ctx, word, force)
				if err != nil && !(j.Again() && imagefs.KindOf(err) == imagefs.NotFound) {
					failed = append(failed, err)
					continue
				}
				j.Line(word)
			}
			return errors.Join(failed...)
		}, nil
	}
	return Verb{Name: "rm", Usage: "[-d] [-f] CONTAINER...", Parse: parse}
}
