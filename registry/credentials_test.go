package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imagefs/imagefs/registry/registrytest"
)

// dockerConfigOf writes a config.json and returns its directory.
func dockerConfigOf(t *testing.T, format string, args ...any) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func auths(t *testing.T, host, user, password string) string {
	t.Helper()
	return dockerConfigOf(t, `{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// helper puts a credential helper into PATH. It notes what it is asked, in the file that is returned.
func helper(t *testing.T, name, script string) (asked string) {
	t.Helper()
	dir := t.TempDir()
	asked = filepath.Join(dir, "asked")
	text := fmt.Sprintf("#!/bin/sh\n{ echo \"$1\"; cat; } >>%s\n%s\n", asked, script)
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return asked
}

func TestCredentials(t *testing.T) {
	helper(t, "good", `echo '{"ServerURL":"x","Username":"ann","Secret":"s3cret"}'`)
	helper(t, "token", `echo '{"ServerURL":"x","Username":"<token>","Secret":"s3cret"}'`)
	helper(t, "empty", `echo "credentials not found in native keychain"; exit 1`)
	helper(t, "broken", `echo "the s3fe is locked"; exit 1`)
	helper(t, "babbling", `echo '{"Secret":"s3cret"'`)
	for _, tc := range []struct {
		name, config string // HOST is the registry's
		basic, token bool   // whether a login of that kind must succeed
		words        string // of the failure
	}{
		{"auth", `{"auths":{"HOST":{"auth":"YW5uOnMzY3JldA=="}}}`, true, true, ""},
		{"old name", `{"auths":{"https://HOST/v1/":{"auth":"YW5uOnMzY3JldA=="}}}`, true, true, ""},
		{"username", `{"auths":{"HOST":{"username":"ann","password":"s3cret"}}}`, true, true, ""},
		{"identity token", `{"auths":{"HOST":{"identitytoken":"s3cret"}}}`, false, true, ""},
		{"credHelpers", `{"credHelpers":{"HOST":"good"}}`, true, true, ""},
		{"credsStore", `{"credsStore":"good"}`, true, true, ""},
		{"helper before store", `{"credsStore":"broken","credHelpers":{"HOST":"good"}}`, true, true, ""},
		{"token helper", `{"credsStore":"token"}`, false, true, ""},
		{"nothing", `{}`, false, false, "authentication required"},
		{"another host's", `{"auths":{"example.com":{"auth":"YW5uOnMzY3JldA=="}}}`, false, false, "authentication required"},
		{"wrong password", `{"auths":{"HOST":{"auth":"YW5uOndyb25n"}}}`, false, false, ""},
		{"the store knows nothing", `{"credsStore":"empty","auths":{"HOST":{"auth":"YW5uOnMzY3JldA=="}}}`, false, false, "authentication required"},
		{"the store is locked", `{"credsStore":"broken"}`, false, false, "docker-credential-broken: the s3fe is locked"},
		{"the store babbles", `{"credsStore":"babbling"}`, false, false, "docker-credential-babbling: its answer is not JSON"},
		{"no such store", `{"credsStore":"nonesuch"}`, false, false, "docker-credential-nonesuch"},
		{"no configuration", `s3cret`, false, false, "is not a docker configuration"},
		{"no base64", `{"auths":{"HOST":{"auth":"s3cret"}}}`, false, false, "not the base64"},
	} {
		for _, kind := range []string{"basic", "token"} {
			t.Run(tc.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				reg := registrytest.New(t)
				reg.PutImage("app", "1.0", []byte("{}"))
				want := tc.token
				if kind == "basic" {
					reg.RequireBasic("ann", "s3cret")
					want = tc.basic
				} else {
					reg.RequireToken("ann", "s3cret")
				}
				config := dockerConfigOf(t, "%s", strings.ReplaceAll(tc.config, "HOST", reg.Host))
				_, err := newClient(t, Options{DockerConfig: config}).Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
				if want {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if !errors.Is(err, ErrUnauthorized) || !strings.HasPrefix(err.Error(), reg.Host+": pull access denied for "+reg.Host+"/app") {
					t.Errorf("got %v", err)
				}
				if err != nil && (!strings.Contains(err.Error(), tc.words) || strings.Contains(err.Error(), "s3cret")) {
					t.Errorf("got %q, want it to say %q", err, tc.words)
				}
			})
		}
	}
}

func TestHelperIsAsked(t *testing.T) {
	asked := helper(t, "good", `echo '{"Username":"ann","Secret":"s3cret"}'`)
	config := dockerConfigOf(t, `{"credsStore":"good"}`)
	if _, err := findCredentials(t.Context(), config, hubAccount); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(asked)
	if err != nil || string(got) != "get\nhttps://index.docker.io/v1/" {
		t.Errorf("asked for %q, %v", got, err)
	}
}

func TestCredentialsDockerConfigDir(t *testing.T) {
	config := auths(t, "example.com", "ann", "s3cret")
	t.Setenv("DOCKER_CONFIG", config)
	own, err := findCredentials(t.Context(), "", "example.com")
	if err != nil || own.user != "ann" || own.password != "s3cret" {
		t.Errorf("$DOCKER_CONFIG: %v", err)
	}
	home := t.TempDir()
	if err := os.Rename(config, filepath.Join(home, ".docker")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("HOME", home)
	own, err = findCredentials(t.Context(), "", "example.com")
	if err != nil || own.user != "ann" {
		t.Errorf("$HOME: %v", err)
	}
	t.Setenv("HOME", "")
	if own, err = findCredentials(t.Context(), "", "example.com"); err != nil || !own.empty() {
		t.Errorf("nowhere: %v", err)
	}
}

// A token is asked for once, by however many; and again when the registry does not take it any more.
func TestToken(t *testing.T) {
	reg := registrytest.New(t)
	desc, data := putNoise(reg, 1000)
	reg.RequireToken("ann", "s3cret")
	c := newClient(t, Options{DockerConfig: auths(t, reg.Host, "ann", "s3cret")})
	ended := make(chan error)
	for range 4 {
		go func() {
			_, err := readBlob(t, c, reg, desc, 0)
			ended <- err
		}()
	}
	for range 4 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if n := reg.Count("/token"); n != 1 {
		t.Errorf("%d tokens were asked for", n)
	}
	reg.RequireToken("ann", "s3cret")
	wantBlob(t, c, reg, desc, data)
	if n := reg.Count("/token"); n != 2 {
		t.Errorf("%d tokens were asked for", n)
	}
}

// Anonymous tokens are what public repositories want.
func TestAnonymousToken(t *testing.T) {
	reg := registrytest.New(t)
	desc, data := putNoise(reg, 1000)
	reg.RequireToken("", "")
	wantBlob(t, newClient(t, Options{}), reg, desc, data)
	if asked := reg.Requests("/token"); asked[0].Header.Get("Authorization") != "" {
		t.Error("credentials from nowhere")
	}
}

func TestTokenServiceFails(t *testing.T) {
	for name, tc := range map[string]struct {
		behavior registrytest.Behavior
		want     error
	}{
		"busy":     {registrytest.Status(503, ""), ErrUnavailable},
		"no JSON":  {registrytest.Status(200, "<html>"), ErrProtocol},
		"no token": {registrytest.Status(200, "{}"), ErrProtocol},
		"stalls":   {registrytest.Stall(-1), ErrStalled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t)
			reg.PutImage("app", "1.0", []byte("{}"))
			reg.RequireToken("ann", "s3cret")
			reg.Next(1, "/token", tc.behavior)
			c := newClient(t, Options{DockerConfig: auths(t, reg.Host, "ann", "s3cret"), StallTimeout: testStall})
			_, err := c.Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
			if passes := tc.want != ErrProtocol; passes != (err == nil) {
				t.Errorf("once: %v", err)
			}
			reg.RequireToken("ann", "s3cret")
			reg.Next(registrytest.Always, "/token", tc.behavior)
			_, err = c.Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), "token service "+reg.Host) {
				t.Errorf("always: %v", err)
			}
		})
	}
}

// Credentials and tokens stay at the host they are for, wherever that sends its clients.
func TestCredentialsDoNotFollowRedirects(t *testing.T) {
	for _, kind := range []string{"basic", "token"} {
		t.Run(kind, func(t *testing.T) {
			other := registrytest.New(t)
			reg := registrytest.New(t)
			desc, data := putNoise(reg, 50_000)
			putNoise(other, 50_000)
			if kind == "basic" {
				reg.RequireBasic("ann", "s3cret")
			} else {
				reg.RequireToken("ann", "s3cret")
			}
			reg.Next(registrytest.Always, blobs, registrytest.Redirect(other.URL))
			other.Next(3, blobs, registrytest.Reset(10_000))
			c := newClient(t, Options{DockerConfig: auths(t, reg.Host, "ann", "s3cret")})
			wantBlob(t, c, reg, desc, data)
			other.RequireBasic("ann", "s3cret")
			_, err := readBlob(t, c, reg, desc, 0)
			if !errors.Is(err, ErrUnauthorized) || !strings.Contains(err.Error(), "from "+other.Host) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%q tells the query", err)
			}
			for _, r := range other.Requests("") {
				for _, name := range []string{"Authorization", "Cookie", "Referer"} {
					if r.Header.Get(name) != "" {
						t.Errorf("%s went to another host", name)
					}
				}
			}
			if other.Count("") != 5 {
				t.Errorf("%d requests to the other host", other.Count(""))
			}
		})
	}
}

// A helper that waits for somebody at a keyboard does not hold up what was cancelled.
func TestCredentialsCancel(t *testing.T) {
	helper(t, "slow", `exec sleep 60`)
	config := dockerConfigOf(t, `{"credsStore":"slow"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := findCredentials(ctx, config, "example.com"); err == nil {
		t.Error("no error")
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
}
