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
	domain     string // the host, as names have it: "docker.io"
	repository string // as docker shortens it: "alpine"; "" if the question is for no repository
	subject    string // "manifest for alpine:3.19"
	scope      string // of the token it takes: "repository:library/alpine:pull"; several with a space between them
	pushes     bool
}

func pulling(name reference.Named, subject string) question {
	return question{
		domain:     reference.Domain(name),
		repository: reference.FamiliarName(name),
		subject:    subject,
		scope:      scopeOf(name, "pull"),
	}
}

func pushing(name reference.Named, subject string) question {
	q := pulling(name, subject)
	q.scope = scopeOf(name, "pull,push")
	q.pushes = true
	return q
}

func scopeOf(name reference.Named, actions string) string {
	return "repository:" + reference.Path(name) + ":" + actions
}

// newAttempts counts for one question.
func (c *Client) newAttempts() *attempts {
	return &attempts{pause: c.pause, patience: c.patience}
}

// ask asks the hosts that q may be put to until one gives an answer that once accepts, again and again as far as a
// allows.
func (c *Client) ask(ctx context.Context, q question, a *attempts, once func(context.Context, *endpoint) error) error {
	endpoints, err := c.endpointsOf(q)
	if err != nil {
		return err
	}
	return a.run(ctx, func() error { return c.askEach(ctx, q, endpoints, once) })
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
		if q.pushes && reply.noPassword {
			return fail(err, "no basic auth credentials")
		}
		return q.denied(host, reply.words, err)
	}
	return fail(err, "%s: %s: %v", host, q.subject, err)
}

func (q question) explainOther(host string, err error) error {
	var source *sourceError
	switch {
	case errors.As(err, &source):
		return err
	case errors.Is(err, ErrUnauthorized) && q.pushes:
		return fail(err, "unauthorized: %v", err)
	case errors.Is(err, ErrUnauthorized):
		return q.denied(host, err.Error(), err)
	}
	return fail(err, "%s: %s: %v", host, q.subject, err)
}

// denied is, of a push, the registry's own sentence, as docker prints it.
func (q question) denied(host, words string, err error) error {
	switch {
	case q.repository == "":
		return fail(err, "%s: %s: access denied%s", host, q.subject, because(words))
	case !q.pushes:
		return fail(err, "%s: pull access denied for %s, repository does not exist or may require 'docker login'%s",
			host, q.repository, because(words))
	case words != "":
		return fail(err, "%s", words)
	case errors.Is(err, ErrDenied):
		return fail(err, "%s", deniedWords)
	}
	return fail(err, "unauthorized: authentication required")
}

// missing is what code, of the distribution specification, says does not exist.
func (q question) missing(code string) string {
	if code == "NAME_UNKNOWN" && q.repository != "" {
		return "repository " + q.repository
	}
	return q.subject
}

func because(words string) string {
	if words == "" {
		return ""
	}
	return fmt.Sprintf(": %s", words)
}
