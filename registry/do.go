package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// request is what one host is asked for.
type request struct {
	method string // "" for GET
	url    func(scheme string) (*url.URL, error)
	scope  string // of the token that it takes, as question's
	header http.Header
	body   *body         // nil for none
	settle time.Duration // how long the answer to the whole body may take; 0 for Options.StallTimeout
}

// at is the request's url for a path below /v2/ of e.
func at(e *endpoint, path string) func(string) (*url.URL, error) {
	return func(scheme string) (*url.URL, error) { return e.url(scheme, path) }
}

// exactly is the request's url where it is known already.
func exactly(u *url.URL) func(string) (*url.URL, error) {
	return func(string) (*url.URL, error) { return u, nil }
}

// do asks e, with the user's credentials if it wants them. A status other than 2xx is an [*answer].
func (c *Client) do(ctx context.Context, e *endpoint, r request) (*http.Response, error) {
	resp, err := c.doByAnyScheme(ctx, e, r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, readAnswer(resp)
	}
	return resp, nil
}

// doByAnyScheme finds out, where it is not known yet, whether e speaks http or https.
func (c *Client) doByAnyScheme(ctx context.Context, e *endpoint, r request) (*http.Response, error) {
	schemes := e.candidates()
	resp, err := c.authorized(ctx, e, schemes[0], r)
	if speaks(schemes[0], resp, err) {
		e.settle(schemes[0])
		return resp, err
	}
	if len(schemes) == 1 || ctx.Err() != nil || errors.Is(err, ErrStalled) {
		return resp, err
	}
	other, otherErr := c.authorized(ctx, e, schemes[1], r)
	if speaks(schemes[1], other, otherErr) {
		e.settle(schemes[1])
		discard(resp)
		return other, otherErr
	}
	if secondTellsMore(err, otherErr) {
		discard(resp)
		return other, otherErr
	}
	discard(other)
	return resp, err
}

// secondTellsMore chooses between two schemes that both failed.
func secondTellsMore(first, second error) bool {
	switch {
	case errors.Is(first, http.ErrSchemeMismatch):
		return true
	case errors.Is(second, http.ErrSchemeMismatch):
		return false
	}
	return first == nil // HTTP 400, which asks for TLS
}

func discard(resp *http.Response) {
	if resp != nil {
		drain(resp.Body)
	}
}

// speaks tells whether a server understood the scheme. A server that wants TLS answers plain HTTP with 400.
func speaks(scheme string, resp *http.Response, err error) bool {
	return err == nil && (scheme == "https" || resp.StatusCode != http.StatusBadRequest) || hasKind(err) && !errors.Is(err, ErrStalled)
}

// authorized asks with the Authorization that worked last, and once more with a new one if that is refused. A URL that is
// not e's own gets none.
func (c *Client) authorized(ctx context.Context, e *endpoint, scheme string, r request) (*http.Response, error) {
	u, err := r.url(scheme)
	if err != nil {
		return nil, fail(ErrProtocol, "not an address: %v", err)
	}
	if own, err := e.url(scheme, ""); err != nil || !sameOrigin(own, u) {
		return c.send(ctx, u, r, "")
	}
	used := e.auth.current(r.scope)
	resp, err := c.send(ctx, u, r, used)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !sameOrigin(u, resp.Request.URL) {
		return resp, err
	}
	challenges := parseChallenges(resp.Header.Values("WWW-Authenticate"))
	refusal := readAnswer(resp)
	fresh, err := e.auth.renew(ctx, c, u, challenges, r.scope, used)
	if err != nil {
		return nil, err
	}
	if fresh == used {
		refusal.noPassword = fresh == ""
		return nil, refusal
	}
	return c.send(ctx, u, r, fresh)
}
