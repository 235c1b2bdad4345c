package registry

import (
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

// send gets u and follows redirects. Response.Request is the last request. An Authorization header stays at the origin
// of u: scheme, host and port.
func (c *Client) send(ctx context.Context, u *url.URL, header http.Header) (*http.Response, error) {
	header = header.Clone()
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		req.Header = header.Clone()
		resp, err := c.roundTrip(req)
		if err != nil || !isRedirect(resp.StatusCode) {
			return resp, err
		}
		resp.Body.Close()
		next, err := c.redirection(resp)
		if err != nil {
			return nil, err
		}
		if !sameOrigin(u, next) {
			header.Del("Authorization")
		}
		u = next
	}
	return nil, fail(ErrProtocol, "more than %d redirects, the last from %s", maxRedirects, u.Host)
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirection is where resp leads. The sentences name hosts only: the rest of such an URL is often signed, and as good
// as a password.
func (c *Client) redirection(resp *http.Response) (*url.URL, error) {
	from := resp.Request.URL
	to, err := from.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil, fail(ErrProtocol, "a redirect from %s to no URL", from.Host)
	}
	if to.Host == "" || to.Scheme != "https" && to.Scheme != "http" {
		return nil, fail(ErrProtocol, "a redirect from %s to no web server", from.Host)
	}
	if from.Scheme == "https" && to.Scheme == "http" && !isInsecure(to.Host, c.options.Insecure) {
		return nil, fail(ErrProtocol, "a redirect from https on %s to http on %s", from.Host, to.Host)
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

// roundTrip sends one request. The request, and each read of the response's body, fails with ErrStalled when no byte
// comes for StallTimeout.
func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	parent := req.Context()
	ctx, cancel := context.WithCancelCause(parent)
	stalled := fail(ErrStalled, "no data for %s", c.options.StallTimeout)
	timer := time.AfterFunc(c.options.StallTimeout, func() { cancel(stalled) })
	req.Header.Set("User-Agent", "imagefs")
	resp, err := c.transport.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		err = reason(parent, ctx, err)
		cancel(nil)
		return nil, err
	}
	resp.Request = req
	resp.Body = &watchedBody{body: resp.Body, parent: parent, ctx: ctx, cancel: cancel, timer: timer, timeout: c.options.StallTimeout}
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
