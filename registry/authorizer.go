package registry

import (
	"context"
	"encoding/base64"
	"net/url"
	"sync"
)

// authorizer knows the Authorization headers of one endpoint, one for each scope.
type authorizer struct {
	account string        // the name of the host in docker's config.json
	config  string        // the directory of config.json; "" for docker's own
	turn    chan struct{} // holds a value while somebody makes a new header; a channel, so that ctx ends the wait

	mu      sync.Mutex // guards headers
	headers map[string]string
}

func (c *Client) newAuthorizer(account string) *authorizer {
	return &authorizer{
		account: account,
		config:  c.options.DockerConfig,
		turn:    make(chan struct{}, 1),
		headers: map[string]string{},
	}
}

// current is the header for scope, "" if none was wanted yet.
func (a *authorizer) current(scope string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.headers[scope]
}

// renew makes a header for scope after used was refused with challenges at u. Callers that are refused at the same time
// share it. It is used again if there is nothing better.
func (a *authorizer) renew(ctx context.Context, c *Client, u *url.URL, challenges []challenge, scope, used string) (string, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if current := a.current(scope); current != used {
		return current, nil
	}
	header, err := a.make(ctx, c, u, challenges, scope)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.headers[scope] = header
	return header, nil
}

// make answers a challenge: a bearer's where there is one. Without credentials the answer to a basic one is "".
func (a *authorizer) make(ctx context.Context, c *Client, u *url.URL, challenges []challenge, scope string) (string, error) {
	bearer, hasBearer := find(challenges, "bearer")
	_, hasBasic := find(challenges, "basic")
	if !hasBearer && !hasBasic {
		return "", fail(ErrUnauthorized, "%s asks for a kind of authentication that is not supported", u.Host)
	}
	own, err := findCredentials(ctx, a.config, a.account)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", fail(ErrUnauthorized, "authentication required, and docker's credentials for %s cannot be read: %v", a.account, err)
	case hasBearer && own.registryToken != "":
		return "Bearer " + own.registryToken, nil
	case hasBearer:
		return c.token(ctx, u, bearer, scope, own)
	case own.user == "" && own.password == "":
		return "", nil
	}
	return basic(own), nil
}

func find(challenges []challenge, scheme string) (challenge, bool) {
	for _, c := range challenges {
		if c.scheme == scheme {
			return c, true
		}
	}
	return challenge{}, false
}

func basic(own credentials) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(own.user+":"+own.password))
}
