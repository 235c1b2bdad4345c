package registry

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	idleTimeout  = 90 * time.Second
	maxRedirects = 10
)

// send sends r to u and follows redirects. Response.Request is the last request. The authorization stays at the origin of
// u: scheme, host and port.
func (c *Client) send(ctx context.Context, u *url.URL, r request, authorization string) (*http.Response, error) {
	for range maxRedirects {
		req, err := r.to(ctx, u, authorization)
		if err != nil {
			return nil, err
		}
		resp, err := c.roundTrip(req, r.settle)
		if err != nil || !isRedirect(resp.StatusCode) {
			return resp, err
		}
		resp.Body.Close()
		if r.body != nil && !keepsBody(resp.StatusCode) {
			return nil, fail(ErrProtocol, "a redirect of a %s from %s with status %d", r.method, u.Host, resp.StatusCode)
		}
		next, err := c.leads(resp, "a redirect")
		if err != nil {
			return nil, err
		}
		if !sameOrigin(u, next) {
			authorization = ""
		}
		u = next
	}
	return nil, fail(ErrProtocol, "more than %d redirects, the last from %s", maxRedirects, u.Host)
}

func (r request) to(ctx context.Context, u *url.URL, authorization string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if r.header != nil {
		req.Header = r.header.Clone()
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return req, r.body.attach(req)
}

// keepsBody tells whether a redirect is for the same method and body (RFC 9110, section 15.4).
func keepsBody(status int) bool {
	return status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// leads is where resp's Location leads; what it is (a redirect, an upload) is said of one that leads nowhere good. The
// sentences name hosts only: the rest of such an URL is often signed, and as good as a password.
func (c *Client) leads(resp *http.Response, what string) (*url.URL, error) {
	from := resp.Request.URL
	to, err := from.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil, fail(ErrProtocol, "%s from %s to no URL", what, from.Host)
	}
	if to.Host == "" || to.Scheme != "https" && to.Scheme != "http" {
		return nil, fail(ErrProtocol, "%s from %s to no web server", what, from.Host)
	}
	if from.Scheme == "https" && to.Scheme == "http" && !isInsecure(to.Host, c.options.Insecure) {
		return nil, fail(ErrProtocol, "%s from https on %s to http on %s", what, from.Host, to.Host)
	}
	to.User = nil
	return to, nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Hostname() == b.Hostname() && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// roundTrip sends one request. Sending, the answer to it, and each read of the response's body fail with ErrStalled when
// no byte moves for StallTimeout. The answer to a whole body may take settle instead, unless that is 0.
func (c *Client) roundTrip(req *http.Request, settle time.Duration) (*http.Response, error) {
	parent, timeout := req.Context(), c.options.StallTimeout
	ctx, cancel := context.WithCancelCause(parent)
	stalled := fail(ErrStalled, "no data for %s", timeout)
	timer := time.AfterFunc(timeout, func() { cancel(stalled) })
	source := &watchedSource{
		ReadCloser: req.Body, left: req.ContentLength, timer: timer, timeout: timeout, settle: max(timeout, settle),
		failed: make(chan error, 1),
	}
	if req.ContentLength > 0 {
		req.Body = source
	}
	req.Header.Set("User-Agent", "imagefs")
	resp, err := c.transport.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = cmp.Or(source.failure(), reason(parent, ctx, err))
		cancel(nil)
		return nil, err
	}
	resp.Request = req
	resp.Body = &watchedBody{body: resp.Body, parent: parent, ctx: ctx, cancel: cancel, timer: timer, timeout: timeout}
	return resp, nil
}

// watchedBody ends a body that gives no byte. Only reading counts: a slow reader is no stall.
type watchedBody struct {
	body        io.ReadCloser
	parent, ctx context.Context
	cancel      context.CancelCauseFunc
	timer       *time.Timer
	timeout     time.Duration
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.timeout)
	n, err := b.body.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF {
		err = reason(b.parent, b.ctx, err)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.timer.Stop()
	b.cancel(nil)
	return b.body.Close()
}

// reason tells why a request ended: parent was cancelled, ctx was because of a stall, or err.
func reason(parent, ctx context.Context, err error) error {
	if parent.Err() != nil {
		return parent.Err()
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return mismatch(err)
}

// mismatch finds plain HTTP behind a failed handshake, as http.Client does.
func mismatch(err error) error {
	var record tls.RecordHeaderError
	if errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/" {
		return http.ErrSchemeMismatch
	}
	return err
}

// drain reads a little of a body that is not wanted, so that its connection can be used again, and closes it.
func drain(body io.ReadCloser) {
	io.CopyN(io.Discard, body, 4<<10)
	body.Close()
}
