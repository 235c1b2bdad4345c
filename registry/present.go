package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
)

func (c *Client) hasBlob(ctx context.Context, repository reference.Named, d digest.Digest) (bool, error) {
	q := pushing(repository, blobOf(repository, d))
	err := c.ask(ctx, q, c.newAttempts(), func(ctx context.Context, e *endpoint) error {
		return c.checkBlob(ctx, e, q, repository, d)
	})
	var reply *answer
	if errors.As(err, &reply) && slices.Contains(absent, reply.status) {
		return false, nil
	}
	return err == nil, err
}

// absent are the statuses of a blob that is not there, as far as a HEAD tells: why a push is not allowed, only the answer to
// a request with a body says.
var absent = []int{http.StatusNotFound, http.StatusUnauthorized, http.StatusForbidden}

func (c *Client) checkBlob(ctx context.Context, e *endpoint, q question, repository reference.Named, d digest.Digest) error {
	resp, err := c.do(ctx, e, request{method: http.MethodHead, url: at(e, blobPath(repository, d)), scope: q.scope})
	if err == nil {
		drain(resp.Body)
	}
	return err
}

func (c *Client) mountBlob(ctx context.Context, repository, from reference.Named, d digest.Digest) (mounted bool, err error) {
	q := pushing(repository, blobOf(repository, d))
	q.scope += " " + scopeOf(from, "pull")
	query := url.Values{"mount": {d.String()}, "from": {reference.Path(from)}}
	err = c.ask(ctx, q, c.newAttempts(), func(ctx context.Context, e *endpoint) error {
		resp, err := c.do(ctx, e, request{
			method: http.MethodPost,
			url:    at(e, uploadsPath(repository)+"?"+query.Encode()),
			scope:  q.scope,
			body:   bodyOf(nil),
		})
		if err != nil {
			return err
		}
		drain(resp.Body)
		mounted = resp.StatusCode == http.StatusCreated
		if !mounted {
			c.giveUp(ctx, e, q, resp)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil && hasKind(err) && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrStalled) {
		return false, nil // a registry that refuses to mount takes the blob itself
	}
	return mounted, err
}

// giveUp ends the upload that a registry began instead of mounting. One that does not know how forgets it in time.
func (c *Client) giveUp(ctx context.Context, e *endpoint, q question, begun *http.Response) {
	if u, err := c.leads(begun, "an upload"); err == nil {
		if resp, err := c.do(ctx, e, request{method: http.MethodDelete, url: exactly(u), scope: q.scope}); err == nil {
			drain(resp.Body)
		}
	}
}
