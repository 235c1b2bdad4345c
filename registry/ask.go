package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/distribution/reference"
)

// question is what a method of [Client] asks for, in the words of its errors.
type question struct {
	name    reference.Named // with the tag or the digest, if the question has one
	subject string          // "manifest for alpine:3.19"
}

func (q question) repository() string { return reference.FamiliarName(q.name) }
func (q question) scope() string      { return "repository:" + reference.Path(q.name) + ":pull" }

// newAttempts counts for one question.
func (c *Client) newAttempts() *attempts {
	return &attempts{pause: c.pause, patience: c.patience}
}

// ask asks the hosts that have q's repository until one gives an answer that once accepts, again and again as far as a
// allows.
func (c *Client) ask(ctx context.Context, q question, a *attempts, once func(context.Context, *endpoint) error) error {
	endpoints, err := c.endpointsOf(q.name)
	if err != nil {
		return err
	}
	for {
		err := c.askEach(ctx, q, endpoints, once)
		if err == nil {
			return nil
		}
		if err := a.again(ctx, err); err != nil {
			return err
		}
	}
}

// askEach asks mirrors as long as one fails, whatever the failure, and then the registry itself, whose error counts.
func (c *Client) askEach(ctx context.Context, q question, endpoints []*endpoint, once func(context.Context, *endpoint) error) error {
	var err error
	for _, e := range endpoints {
		if e.resting() {
			continue
		}
		if err = once(ctx, e); err == nil || ctx.Err() != nil {
			return err
		}
		if !isRefusal(err) {
			e.rest()
		}
		err = q.explain(e.host, err)
	}
	return err
}

// isRefusal tells whether the host gave an answer that it will give again.
func isRefusal(err error) bool {
	var a attempts
	return a.classify(err) == final && hasKind(err)
}

// explain makes err a sentence: which host did not give what, and why. Docker's words, where docker has some.
func (q question) explain(host string, err error) error {
	var reply *answer
	if !errors.As(err, &reply) {
		return q.explainOther(host, err)
	}
	switch {
	case reply.host != host:
		return fail(err, "%s: %s: %v from %s", host, q.subject, err, reply.host)
	case reply.status == http.StatusNotFound:
		return fail(err, "%s: %s not found%s", host, q.missing(reply.code), because(reply.words))
	case reply.status == http.StatusUnauthorized, reply.status == http.StatusForbidden:
		return fail(err, "%s: pull access denied for %s, repository does not exist or may require 'docker login'%s",
			host, q.repository(), because(reply.words))
	}
	return fail(err, "%s: %s: %v", host, q.subject, err)
}

func (q question) explainOther(host string, err error) error {
	if errors.Is(err, ErrUnauthorized) {
		return fail(err, "%s: pull access denied for %s, repository does not exist or may require 'docker login': %v", host, q.repository(), err)
	}
	return fail(err, "%s: %s: %v", host, q.subject, err)
}

// missing is what code, of the distribution specification, says does not exist.
func (q question) missing(code string) string {
	if code == "NAME_UNKNOWN" {
		return "repository " + q.repository()
	}
	return q.subject
}

func because(words string) string {
	if words == "" {
		return ""
	}
	return fmt.Sprintf(": %s", words)
}
