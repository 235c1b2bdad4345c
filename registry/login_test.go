package registry

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/registry/registrytest"
)

func server(t *testing.T, word string) Server {
	t.Helper()
	s, err := ParseServer(word)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fileOf reads a config.json, and checks that it is its owner's alone.
func fileOf(t *testing.T, dir string) (file map[string]any) {
	t.Helper()
	path := filepath.Join(dir, "config.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return file
}

func TestParseServer(t *testing.T) {
	for word, want := range map[string]Server{
		"":                             {"docker.io", hubAccount},
		"docker.io":                    {"docker.io", hubAccount},
		"https://index.docker.io/v1/":  {"docker.io", hubAccount},
		"localhost:5000":               {"localhost:5000", "localhost:5000"},
		"https://ghcr.io/v2/":          {"ghcr.io", "ghcr.io"},
		"http://registry.example:80/x": {"registry.example:80", "registry.example:80"},
		"registry.example/team":        {"registry.example", "registry.example"},
	} {
		if got, err := ParseServer(word); got != want || err != nil {
			t.Errorf("%q: %v, %v", word, got, err)
		}
	}
	for _, word := range []string{"https://", "a b", "host:port", "word"} {
		if got, err := ParseServer(word); err == nil {
			t.Errorf("%q: %v", word, got)
		}
	}
}

// Who logs in is let in, by what the file then holds, and no more after a logout.
func TestLogin(t *testing.T) {
	for name, require := range map[string]func(s *registrytest.Server) (identity string){
		"nothing":  func(s *registrytest.Server) string { return "" },
		"basic":    func(s *registrytest.Server) string { s.RequireBasic("ann", "s3:cret"); return "" },
		"token":    func(s *registrytest.Server) string { s.RequireToken("ann", "s3:cret"); return "" },
		"identity": func(s *registrytest.Server) string { return s.RequireIdentity("ann", "s3:cret") },
	} {
		t.Run(name, func(t *testing.T) {
			reg := registrytest.New(t)
			reg.PutImage("app", "1.0", []byte("{}"))
			identity := require(reg)
			dir := filepath.Join(t.TempDir(), "docker")
			c := newClient(t, Options{DockerConfig: dir})
			let := func() bool {
				_, err := c.Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
				return err == nil
			}
			before := let()
			if err := c.Login(t.Context(), server(t, reg.Host), "ann", "s3:cret"); err != nil {
				t.Fatal(err)
			}
			if !let() {
				t.Error("not let in")
			}
			want := map[string]any{"auth": "YW5uOnMzOmNyZXQ="}
			if identity != "" {
				want = map[string]any{"auth": "YW5uOg==", "identitytoken": identity}
			}
			if diff := cmp.Diff(map[string]any{"auths": map[string]any{reg.Host: want}}, fileOf(t, dir)); diff != "" {
				t.Error(diff)
			}
			for range 2 {
				if err := c.Logout(t.Context(), server(t, reg.Host)); err != nil {
					t.Error(err)
				}
			}
			if let() != before {
				t.Error("let in after the logout")
			}
			if diff := cmp.Diff(map[string]any{"auths": map[string]any{}}, fileOf(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoginFails(t *testing.T) {
	for name, tc := range map[string]struct {
		arrange func(*registrytest.Server)
		want    error
		says    string // URL is that of the API
	}{
		"basic": {func(s *registrytest.Server) { s.RequireBasic("ann", "s3cret") }, ErrUnauthorized,
			"login attempt to URL failed with status: 401 Unauthorized"},
		"token": {func(s *registrytest.Server) { s.RequireToken("ann", "s3cret") }, ErrUnauthorized,
			`Get "URL": unauthorized: incorrect username or password`},
		"token without words": {func(s *registrytest.Server) {
			s.RequireToken("ann", "s3cret")
			s.Next(1, "/token", registrytest.Status(401, ""))
		}, ErrUnauthorized, `Get "URL": unauthorized: incorrect username or password`},
		"forbidden": {func(s *registrytest.Server) { s.Next(1, "", registrytest.Status(403, "")) }, ErrDenied,
			"login attempt to URL failed with status: 403 Forbidden"},
		"no registry": {func(s *registrytest.Server) { s.Next(1, "", registrytest.Status(404, "")) }, ErrNotFound,
			"login attempt to URL failed with status: 404 Not Found"},
		"busy": {func(s *registrytest.Server) { s.Next(registrytest.Always, "", registrytest.Status(503, "")) }, ErrUnavailable,
			"login attempt to URL failed with status: 503 Service Unavailable"},
		"nobody": {func(s *registrytest.Server) { s.Close() }, syscall.ECONNREFUSED, `Get "URL": dial tcp `},
	} {
		t.Run(name, func(t *testing.T) {
			reg := registrytest.New(t)
			tc.arrange(reg)
			dir := t.TempDir()
			err := newClient(t, Options{DockerConfig: dir}).Login(t.Context(), server(t, reg.Host), "ann", "wr0ng")
			says := strings.ReplaceAll(tc.says, "URL", reg.URL+"/v2/")
			if !errors.Is(err, tc.want) || !strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "wr0ng") {
				t.Errorf("got %v, want %s", err, says)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Error("something was kept")
			}
		})
	}
}

// All that the file holds beside the login stays, and so does a symlink to it.
func TestLoginKeepsTheRest(t *testing.T) {
	reg := registrytest.New(t)
	dir, elsewhere := t.TempDir(), dockerConfigOf(t, `{"HttpHeaders":{"X":"<&>"},"psFormat":"table","num":12345678901234567890,
		"auths":{"other.example":{"auth":"eDp5","more":1},"https://%s/v1/":{"auth":"b2xkOm9sZA=="}}}`, reg.Host)
	if err := os.Symlink(filepath.Join(elsewhere, "config.json"), filepath.Join(dir, "config.json")); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Options{DockerConfig: dir})
	if err := c.Login(t.Context(), server(t, reg.Host), "ann", "s3cret"); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(elsewhere, "config.json"))
	if err != nil || !strings.Contains(string(raw), "12345678901234567890") || !strings.Contains(string(raw), reg.Host+`": {`) {
		t.Errorf("%v: %s", err, raw)
	}
	if err := c.Logout(t.Context(), server(t, reg.Host)); err != nil {
		t.Error(err)
	}
	want := map[string]any{
		"HttpHeaders": map[string]any{"X": "<&>"}, "psFormat": "table", "num": 12345678901234567890.0,
		"auths": map[string]any{"other.example": map[string]any{"auth": "eDp5", "more": 1.0}},
	}
	if diff := cmp.Diff(want, fileOf(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// A credential helper keeps what there is to keep; the file only names the account.
func TestLoginWithHelper(t *testing.T) {
	asked := helper(t, "keep", `cd "${0%/*}"
case $1 in
store) touch kept ;;
erase) rm kept ;;
get) [ -e kept ] || { echo "credentials not found in native keychain"; exit 1; }; echo '{"Username":"ann","Secret":"s3cret"}' ;;
esac`)
	for name, tc := range map[string]struct{ config, kept string }{
		"credsStore":  {`{"credsStore":"keep"}`, `{"ServerURL":"HOST","Username":"ann","Secret":"s3cret"}`},
		"credHelpers": {`{"credsStore":"none","credHelpers":{"HOST":"keep"}}`, `{"ServerURL":"HOST","Username":"ann","Secret":"s3cret"}`},
	} {
		t.Run(name, func(t *testing.T) {
			os.Remove(asked)
			reg := registrytest.New(t)
			reg.RequireBasic("ann", "s3cret")
			in := func(text string) string { return strings.ReplaceAll(text, "HOST", reg.Host) }
			dir := dockerConfigOf(t, "%s", in(tc.config))
			c := newClient(t, Options{DockerConfig: dir})
			if err := c.Login(t.Context(), server(t, reg.Host), "ann", "s3cret"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]any{reg.Host: map[string]any{}}, fileOf(t, dir)["auths"]); diff != "" {
				t.Error(diff)
			}
			for range 2 {
				if err := c.Logout(t.Context(), server(t, reg.Host)); err != nil {
					t.Error(err)
				}
			}
			got, err := os.ReadFile(asked)
			want := in("store\n" + tc.kept + "get\nHOSTerase\nHOSTget\nHOST")
			if diff := cmp.Diff(want, strings.ReplaceAll(string(got), "}\n", "}")); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
	config := dockerConfigOf(t, `{"credsStore":"nonesuch"}`)
	err := newClient(t, Options{DockerConfig: config}).Login(t.Context(), server(t, registrytest.New(t).Host), "ann", "s3cret")
	if err == nil || !strings.Contains(err.Error(), "docker-credential-nonesuch") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

// A file keeps its mode and its owner, and one that a symlink names is made where it should be.
func TestLoginKeepsTheFile(t *testing.T) {
	reg := registrytest.New(t)
	dir, elsewhere := t.TempDir(), t.TempDir()
	path := filepath.Join(elsewhere, "x", "config.json")
	if err := os.Symlink("config.json.link", filepath.Join(dir, "config.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(dir, "config.json.link")); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Options{DockerConfig: dir})
	for _, mode := range []os.FileMode{0o600, 0o640} {
		if err := c.Login(t.Context(), server(t, reg.Host), "ann", "s3cret"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != mode {
			t.Fatalf("%v, %v", info, err)
		}
		if owner := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 && mode == 0o640 && (owner.Uid != 1234 || owner.Gid != 1235) {
			t.Errorf("owned by %d:%d", owner.Uid, owner.Gid)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, 1234, 1235); err != nil && os.Geteuid() == 0 {
			t.Fatal(err)
		}
	}
}
