package imagefs

import "context"

// LoginRequest is what `docker login` is asked for.
type LoginRequest struct {
	Server             string // "" for Docker Hub
	Username, Password string
}

// Login checks credentials with a registry and stores them as docker does, in a credential helper or config.json. It
// returns the registry's, or docker's, words: "Login Succeeded".
func (e *Engine) Login(ctx context.Context, req LoginRequest) (string, error) { panic("stub") }

// Logout forgets them: "Removing login credentials for …".
func (e *Engine) Logout(ctx context.Context, server string) (string, error) { panic("stub") }
