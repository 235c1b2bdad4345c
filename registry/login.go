package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/distribution/reference"
)

// Server is a registry as `docker login` names it.
type Server struct {
	domain  string // as names have it: "docker.io"
	account string // as config.json has it
}

// ParseServer reads what `docker login` takes: HOST[:PORT], of which a scheme and a path are dropped; "", docker.io and
// Docker Hub's old address mean Docker Hub.
func ParseServer(word string) (Server, error) {
	switch word {
	case "", hubDomain, hubAccount:
		return Server{hubDomain, hubAccount}, nil
	}
	host := accountHost(word)
	if named, err := reference.ParseNormalizedNamed(host + "/x"); err != nil || reference.Domain(named) != host {
		return Server{}, fmt.Errorf("invalid registry name %q", word)
	}
	return Server{host, host}, nil
}

// String is the server's name in docker's sentences.
func (s Server) String() string { return s.account }

// Login checks the user's password with a registry, and keeps it as docker does: in the credential helper that
// config.json names, or else in that file. Of a registry that gives an identity token, this is kept instead. The error
// of a registry that refuses is in docker's words.
func (c *Client) Login(ctx context.Context, s Server, user, password string) error {
	own := credentials{user: user, password: password}
	e := c.newRegistry(s.domain)
	e.auth = newAuthorizer(func(context.Context) (credentials, error) { return own, nil })
	e.auth.offline = true
	if err := c.check(ctx, e); err != nil {
		return err
	}
	if token := e.auth.identity(); token != "" {
		own = credentials{user: user, identityToken: token}
	}
	if err := keepCredentials(ctx, c.options.DockerConfig, s.account, own); err != nil {
		return err
	}
	c.forgetAuthorization()
	return nil
}

// check asks for the start of the API ("API version check" of the distribution specification), until there is an answer.
func (c *Client) check(ctx context.Context, e *endpoint) error {
	err := c.newAttempts().run(ctx, func() error {
		resp, err := c.do(ctx, e, request{url: at(e, "")})
		if err == nil {
			drain(resp.Body)
		}
		return err
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	u, _ := e.url(e.candidates()[0], "")
	return explainLogin(u, err)
}

func explainLogin(u *url.URL, err error) error {
	var (
		reply   *answer
		refused *refusedToken
	)
	switch {
	case errors.As(err, &refused) && refused.words != "":
		return fail(err, "Get %q: unauthorized: %s", u, strings.TrimPrefix(refused.words, "unauthorized: "))
	case errors.As(err, &refused):
		return fail(err, "Get %q: unauthorized: incorrect username or password", u)
	case errors.As(err, &reply) && reply.host == u.Host:
		return fail(err, "login attempt to %s failed with status: %d %s", u, reply.status, http.StatusText(reply.status))
	}
	return fail(err, "Get %q: %v", u, err)
}

// forgetAuthorization makes the client look for credentials again: there are others now.
func (c *Client) forgetAuthorization() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.endpoints)
}

// Logout forgets what is kept for a registry, if there is anything.
func (c *Client) Logout(ctx context.Context, s Server) error {
	defer c.forgetAuthorization()
	return dropCredentials(ctx, c.options.DockerConfig, s.account)
}
