package registry

import (
	"context"
	"encoding/base64"
	"net/url"
	"sync"
)

// authorizer knows the Authorization headers of one endpoint, one for each scope.
type authorizer struct {
	find    func(context.Context) (credentials, error) // the user's, for the host; none is no error
	offline bool                                       // an identity token is wanted, of the services that give one
	turn    chan struct{}                              // holds a value while somebody makes a new header; a channel, so that ctx ends the wait

	mu            sync.Mutex // guards what follows
	headers       map[string]string
	identityToken string // that a service gave; "" for none
}

// newAuthorizer makes one for an account of docker's config.json.
func (c *Client) newAuthorizer(account string) *authorizer {
	return newAuthorizer(func(ctx context.Context) (credentials, error) {
		own, err := findCredentials(ctx, c.options.DockerConfig, account)
		if err != nil && ctx.Err() == nil {
			err = fail(ErrUnauthorized, "authentication required, and docker's credentials for %s cannot be read: %v", account, err)
		}
		return own, err
	})
}

func newAuthorizer(find func(context.Context) (credentials, error)) *authorizer {
	return &authorizer{find: find, turn: make(chan struct{}, 1), headers: map[string]string{}}
}

// identity is the identity token that a service gave, or "".
func (a *authorizer) identity() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.identityToken
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
	made, err := a.make(ctx, c, u, challenges, scope)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.headers[scope] = made.header
	a.identityToken = made.identityToken
	return made.header, nil
}

// grant is what answers a challenge.
type grant struct {
	header        string // Authorization
	identityToken string // "" for none
}

// make answers a challenge: a bearer's where there is one. Without credentials the answer to a basic one is "".
func (a *authorizer) make(ctx context.Context, c *Client, u *url.URL, challenges []challenge, scope string) (grant, error) {
	bearer, hasBearer := find(challenges, "bearer")
	_, hasBasic := find(challenges, "basic")
	if !hasBearer && !hasBasic {
		return grant{}, fail(ErrUnauthorized, "%s asks for a kind of authentication that is not supported", u.Host)
	}
	own, err := a.find(ctx)
	switch {
	case ctx.Err() != nil:
		return grant{}, ctx.Err()
	case err != nil:
		return grant{}, err
	case hasBearer && own.registryToken != "":
		return grant{header: "Bearer " + own.registryToken}, nil
	case hasBearer:
		return c.token(ctx, u, bearer, wish{scopes(bearer.params["scope"], scope), own, a.offline})
	case own.user == "" && own.password == "":
		return grant{}, nil
	}
	return grant{header: basic(own)}, nil
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
