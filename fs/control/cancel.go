package control

import (
	"context"
	"fmt"
	"strconv"

	"github.com/imagefs/imagefs"
)

// cancelVerb ends running jobs. It returns when they have ended.
func cancelVerb(jobs *jobs) Verb {
	parse := func(words []string) (Work, error) {
		rest, err := options{}.parse(words)
		if err != nil {
			return nil, err
		}
		if len(rest) == 0 {
			return nil, invalid("", "", "the job is missing")
		}
		return func(ctx context.Context, _ Job) error {
			for _, word := range rest {
				if err := jobs.cancel(ctx, word); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	return Verb{Name: "cancel", Usage: "JOB...", Aside: true, Parse: parse}
}

// cancel ends a job. One that was cancelled before is no error, so that a line may be answered again.
func (t *jobs) cancel(ctx context.Context, word string) error {
	n, err := strconv.Atoi(word)
	if err != nil {
		return invalid(word, "", "a job is a number, not %q", word)
	}
	j := t.get(n)
	if j == nil {
		return &imagefs.Error{
			Kind: imagefs.NotFound, Subject: word, Err: fmt.Errorf("no such job: %d", n), Hint: "ls ctl/jobs",
		}
	}
	if !j.stop() {
		t.finish(j, errStopped)
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if status := j.status(); status != canceled {
		return invalid(word, "", "job %d has ended already: %s", n, status)
	}
	return nil
}
