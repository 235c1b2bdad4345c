package imagefs_test

import (
	"testing"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry/registrytest"
)

// Who has logged in may push, and who has logged out may not.
func TestLogin(t *testing.T) {
	for kind, require := range map[string]func(s *registrytest.Server){
		"basic": func(s *registrytest.Server) { s.RequireBasic("ann", "s3cret") },
		"token": func(s *registrytest.Server) { s.RequireToken("ann", "s3cret") },
	} {
		t.Run(kind, func(t *testing.T) {
			b := newBench(t)
			b.put("web", "1", newImage(t, "a"))
			b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
			require(b.reg)
			mayPush := func(want bool) {
				t.Helper()
				err := b.Push(t.Context(), imagefs.PushRequest{Ref: b.ref("web:1")}, nil)
				if (err == nil) != want || err != nil && imagefs.KindOf(err) != imagefs.Denied {
					t.Errorf("push: %v", err)
				}
			}
			says := func(want, got string, err error) {
				t.Helper()
				if got != want || err != nil {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
			}
			mayPush(false)
			got, err := b.Login(t.Context(), imagefs.LoginRequest{Server: "http://" + b.ref("v2/"), Username: "ann", Password: "s3cret"})
			says("Login Succeeded", got, err)
			mayPush(true)
			got, err = b.Logout(t.Context(), b.reg.Host)
			says("Removing login credentials for "+b.reg.Host, got, err)
			mayPush(false)
			got, err = b.Logout(t.Context(), "")
			says("Removing login credentials for https://index.docker.io/v1/", got, err)
		})
	}
}

func TestLoginFails(t *testing.T) {
	b := newBench(t)
	login := func(server, password string) error {
		_, err := b.Login(t.Context(), imagefs.LoginRequest{Server: server, Username: "ann", Password: password})
		return err
	}
	b.reg.RequireBasic("ann", "s3cret")
	token := registrytest.New(t)
	token.RequireToken("ann", "s3cret")
	web := registrytest.New(t)
	web.Next(registrytest.Always, "", registrytest.Status(404, ""))
	checkFailures(t, "login", []failure{
		{"bad server", imagefs.Invalid, "invalid registry name", login("a b", "s3cret")},
		{"no password", imagefs.Invalid, "a login needs a username and a password", login(b.reg.Host, "")},
		{"wrong password", imagefs.Denied, "failed with status: 401 Unauthorized", login(b.reg.Host, "wrong")},
		{"wrong password, a token service", imagefs.Denied, "unauthorized: incorrect username or password", login(token.Host, "wrong")},
		{"no registry", imagefs.NotFound, "failed with status: 404 Not Found", login(web.Host, "s3cret")},
		{"not listening", imagefs.Refused, "connection refused", login("127.0.0.1:1", "s3cret")},
	})
}
