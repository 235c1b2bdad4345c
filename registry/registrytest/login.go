package registrytest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
)

// login is who is let in. It never changes.
type login struct {
	user, password string
	token          string // "" if the password itself is wanted
	identity       string // that a service gives beside a token, and takes for the password; "" for none
}

// RequireBasic asks for the user's password with each request.
func (s *Server) RequireBasic(user, password string) {
	s.require(&login{user: user, password: password})
}

// RequireToken asks for a token with each request; /token gives it for the user's password, and to all if user is "".
// Each call makes a new token and refuses those before it.
func (s *Server) RequireToken(user, password string) {
	s.require(&login{user: user, password: password, token: rand.Text()})
}

// RequireIdentity is [Server.RequireToken] with a service that gives an identity token to those who want one, and takes it
// for the password. It returns that.
func (s *Server) RequireIdentity(user, password string) (identity string) {
	identity = rand.Text()
	s.require(&login{user: user, password: password, token: rand.Text(), identity: identity})
	return identity
}

func (s *Server) require(l *login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.login = l
}

// admits tells whether r may be answered. A nil login admits all.
func (l *login) admits(r *http.Request) bool {
	switch {
	case l == nil:
		return true
	case l.token == "":
		return l.hasPassword(r)
	}
	return r.URL.Path == "/token" || r.Header.Get("Authorization") == "Bearer "+l.token
}

func (l *login) hasPassword(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	return user == l.user && password == l.password
}

// challenge refuses r.
func (l *login) challenge(s *Server) Behavior {
	how := `Basic realm="registrytest"`
	if l.token != "" {
		how = `Bearer realm="` + s.URL + `/token",service="registrytest",scope="repository:any:pull,push"`
	}
	body := `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`
	return Status(http.StatusUnauthorized, body, "Content-Type", "application/json", "WWW-Authenticate", how)
}

// serveToken is the token service.
func (l *login) serveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	identity := r.FormValue("refresh_token")
	if l.user != "" && !l.hasPassword(r) && identity != l.password && (identity == "" || identity != l.identity) {
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"details":"incorrect username or password"}`))
		return
	}
	answer := map[string]string{"token": l.token}
	if r.FormValue("offline_token") == "true" && l.identity != "" {
		answer["refresh_token"] = l.identity
	}
	json.NewEncoder(w).Encode(answer)
}
