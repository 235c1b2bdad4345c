package imagefs

import (
	"context"

	"github.com/imagefs/imagefs/registry"
)

// LoginRequest is what `docker login` is asked for.
type LoginRequest struct {
	Server             string // "" for Docker Hub
	Username, Password string
}

// Login checks credentials with a registry and stores them as docker does, in a credential helper or config.json. It
// returns docker's words: "Login Succeeded".
func (e *Engine) Login(ctx context.Context, req LoginRequest) (string, error) {
	server, err := parseServer(req.Server)
	if err != nil {
		return "", err
	}
	if req.Username == "" || req.Password == "" {
		return "", invalid(req.Server, "a login needs a username and a password")
	}
	if err := e.registry.Login(ctx, server, req.Username, req.Password); err != nil {
		return "", explainLogin(err, server)
	}
	return "Login Succeeded", nil
}

// PlainFile is the file that keeps a server's password as it is, or "" if a credential helper keeps it.
func (e *Engine) PlainFile(word string) (string, error) {
	server, err := parseServer(word)
	if err != nil {
		return "", err
	}
	return e.registry.PlainFile(server)
}

// Logout forgets them, if there are any. It returns docker's words: "Removing login credentials for …".
func (e *Engine) Logout(ctx context.Context, word string) (string, error) {
	server, err := parseServer(word)
	if err != nil {
		return "", err
	}
	if err := e.registry.Logout(ctx, server); err != nil {
		return "", explainLogin(err, server)
	}
	return "Removing login credentials for " + server.String(), nil
}

func parseServer(word string) (registry.Server, error) {
	server, err := registry.ParseServer(word)
	if err != nil {
		return server, &Error{Kind: Invalid, Subject: word, Err: err, Hint: "a registry is HOST[:PORT]"}
	}
	return server, nil
}

// loginHints are those of [hints] that differ for a login.
var loginHints = map[Kind]string{
	NotFound: "is this a registry?",
	Denied:   "check the user name and the password",
	TimedOut: "try again", Unavailable: "try again later", Canceled: "nothing was stored",
	NoSpace: "make room for docker's config.json",
}

func explainLogin(err error, server registry.Server) error {
	return withHints(explain(err, server.String()), loginHints)
}
