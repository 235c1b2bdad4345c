package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry/registrytest"
)

const (
	patches = "PATCH /v2/app/blobs/uploads/"
	puts    = "PUT /v2/app/blobs/uploads/"
)

// content is a blob that is to be pushed.
type content []byte

func (c content) descriptor() ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(c), Size: int64(len(c))}
}

func (c content) open(_ context.Context, offset int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(c[offset:])), nil
}

func (c content) push(t *testing.T, client *Client, reg *registrytest.Server) error {
	t.Helper()
	return client.PushBlob(t.Context(), parse(t, reg.Host+"/app"), c.descriptor(), c.open, nil)
}

func TestPushBlob(t *testing.T) {
	for _, size := range []int{0, 1, 2, 200_000} {
		reg := registrytest.New(t)
		c, data := newClient(t, Options{}), content(noise(size))
		has := func() bool {
			has, err := c.HasBlob(t.Context(), parse(t, reg.Host+"/app"), data.descriptor().Digest)
			if err != nil {
				t.Error(err)
			}
			return has
		}
		if has() {
			t.Error("it was there before")
		}
		var done int64
		err := c.PushBlob(t.Context(), parse(t, reg.Host+"/app"), data.descriptor(), data.open, func(n int64) { done = n })
		if err != nil || done != int64(size) {
			t.Errorf("%d bytes: %d were sent, %v", size, done, err)
		}
		if !has() {
			t.Error("it is not there")
		}
		wantBlob(t, c, reg, data.descriptor(), data)
	}
}

// A failure costs what was under way, and nothing that the registry has.
func TestPushBlobSurvives(t *testing.T) {
	const posts = "POST /v2/app/blobs/uploads/"
	for name, tc := range map[string]struct {
		rules func(*registrytest.Server)
		begun int // uploads
	}{
		"reset before it begins": {func(s *registrytest.Server) { s.Next(3, posts, registrytest.Reset(-1)) }, 4},
		"busy":                   {func(s *registrytest.Server) { s.Next(3, "", registrytest.Status(503, "")) }, 4},
		"resets in the middle": {func(s *registrytest.Server) {
			for range 12 {
				s.Next(1, patches, registrytest.Take(10_000))
			}
		}, 1},
		"reset at the end":           {func(s *registrytest.Server) { s.Next(1, patches, registrytest.Take(200_000)) }, 1},
		"an answer that is lost":     {func(s *registrytest.Server) { s.Next(1, patches, registrytest.Lose()) }, 2},
		"a last answer that is lost": {func(s *registrytest.Server) { s.Next(1, puts, registrytest.Lose()) }, 1},
		"503 in the middle": {func(s *registrytest.Server) {
			s.Next(1, patches, registrytest.Take(10_000))
			s.Next(3, "GET .*/uploads/", registrytest.Status(503, ""))
		}, 1},
		"503 at the end": {func(s *registrytest.Server) { s.Next(3, puts, registrytest.Status(503, "")) }, 1},
		"forgotten": {func(s *registrytest.Server) {
			s.Next(1, patches, registrytest.Take(10_000))
			s.Next(1, "GET .*/uploads/", forgetting())
		}, 2},
		"forgotten at the end": {func(s *registrytest.Server) { s.Next(1, puts, forgetting()) }, 2},
		"no state": {func(s *registrytest.Server) {
			s.Next(1, patches, registrytest.Take(10_000))
			s.Next(1, "GET .*/uploads/", registrytest.Status(204, ""))
		}, 2},
		"a wrong range": {func(s *registrytest.Server) { s.Next(1, patches, registrytest.Status(416, "")) }, 2},
		"parts mixed up": {func(s *registrytest.Server) {
			s.Next(1, patches, registrytest.Take(10_000))
			s.Next(1, puts, registrytest.Error(400, "DIGEST_INVALID", "digest invalid"))
		}, 2},
		"stall": {func(s *registrytest.Server) { s.Next(1, patches, registrytest.Stall(-1)) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, start := range []func(testing.TB) *registrytest.Server{registrytest.New, registrytest.NewTLS} {
				reg := start(t)
				tc.rules(reg)
				o := Options{}
				if name == "stall" {
					o.StallTimeout = time.Second
				}
				c, data := newClient(t, o), content(noise(200_000))
				if err := data.push(t, c, reg); err != nil {
					t.Fatal(err)
				}
				wantBlob(t, c, reg, data.descriptor(), data)
				if n := reg.Count(posts); n > tc.begun {
					t.Errorf("%d uploads were begun, want %d", n, tc.begun)
				}
			}
		})
	}
}

// forgetting is a registry that forgets its uploads when it is asked.
func forgetting() registrytest.Behavior {
	return func(s *registrytest.Server, w http.ResponseWriter, r *http.Request) {
		s.ForgetUploads()
		registrytest.Error(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown")(s, w, r)
	}
}

func TestPushBlobGivesUp(t *testing.T) {
	for name, tc := range map[string]struct {
		behavior registrytest.Behavior
		want     error
		requests int
	}{
		"busy":      {registrytest.Status(503, ""), ErrUnavailable, 8},
		"forgets":   {forgetting(), ErrTruncated, 4},
		"refuses":   {registrytest.Error(400, "SIZE_INVALID", "too large"), ErrProtocol, 1},
		"forbidden": {registrytest.Error(403, "DENIED", "quota exceeded"), ErrDenied, 1},
		"stalls":    {registrytest.Stall(-1), ErrStalled, 2},
		"nowhere":   {registrytest.Status(202, ""), ErrProtocol, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t)
			reg.Next(registrytest.Always, patches, tc.behavior)
			o := Options{}
			if name == "stalls" {
				o.StallTimeout = testStall
			}
			err := content(noise(1000)).push(t, newClient(t, o), reg)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if n := reg.Count(patches); n != tc.requests {
				t.Errorf("%d requests, want %d", n, tc.requests)
			}
		})
	}
}

// What cannot be read is not asked for again.
func TestPushBlobSourceFails(t *testing.T) {
	reg := registrytest.New(t)
	damaged := errors.New("block 3 has another checksum")
	data := content(noise(200_000))
	for name, source := range map[string]Source{
		"opening": func(context.Context, int64) (io.ReadCloser, error) { return nil, damaged },
		"reading": func(context.Context, int64) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(data[:150_000]), failing{damaged})), nil
		},
	} {
		err := newClient(t, Options{}).PushBlob(t.Context(), parse(t, reg.Host+"/app"), data.descriptor(), source, nil)
		if !errors.Is(err, damaged) || hasKind(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := reg.Count(patches); n > 1 {
		t.Errorf("%d requests", n)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestPushBlobCancel(t *testing.T) {
	for name, behavior := range map[string]registrytest.Behavior{
		"no answer":      registrytest.Stall(-1),
		"waits to retry": registrytest.Status(503, "", "Retry-After", "30"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t)
			asked := make(chan struct{})
			once := sync.OnceFunc(func() { close(asked) })
			reg.Next(registrytest.Always, patches, func(s *registrytest.Server, w http.ResponseWriter, r *http.Request) {
				once()
				behavior(s, w, r)
			})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			data := content(noise(20_000))
			go func() {
				ended <- newClient(t, Options{}).PushBlob(ctx, parse(t, reg.Host+"/app"), data.descriptor(), data.open, nil)
			}()
			<-asked
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			case <-time.After(time.Second):
				t.Error("goes on a second later")
			}
		})
	}
}

func TestMountBlob(t *testing.T) {
	reg := registrytest.New(t)
	data := noise(1000)
	d := reg.PutBlob("base", "", data).Digest
	c := newClient(t, Options{})
	app, base := parse(t, reg.Host+"/app"), parse(t, reg.Host+"/base")
	for _, from := range []string{"/other", "/base"} {
		mounted, err := c.MountBlob(t.Context(), app, parse(t, reg.Host+from), d)
		if mounted != (from == "/base") || err != nil {
			t.Errorf("from %s: %v, %v", from, mounted, err)
		}
	}
	if diff := cmp.Diff([]string{d.String()}, reg.Blobs("app")); diff != "" {
		t.Error(diff)
	}
	if n := reg.Count("DELETE "); n != 1 {
		t.Errorf("%d uploads were given up, want the one that was begun for nothing", n)
	}
	reg.Next(1, "POST", registrytest.Error(405, "UNSUPPORTED", "the operation is unsupported"))
	if mounted, err := c.MountBlob(t.Context(), app, base, d); mounted || err != nil {
		t.Errorf("refused: %v, %v", mounted, err)
	}
}

func TestPushManifest(t *testing.T) {
	reg := registrytest.New(t)
	c := newClient(t, Options{})
	for _, mediaType := range []string{dockerManifest, ocispec.MediaTypeImageManifest} {
		raw := []byte(`{ "schemaVersion":2,  "mediaType":"` + mediaType + `","config":{},"layers":[] }`)
		m := Manifest{ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}, raw}
		for _, name := range []string{"/app:1.0", "/other@" + m.Descriptor.Digest.String()} {
			ref := parse(t, reg.Host+name)
			if err := c.PushManifest(t.Context(), ref, m); err != nil {
				t.Fatal(err)
			}
			got, err := c.Manifest(t.Context(), ref)
			if diff := cmp.Diff(m, got); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		}
	}
}

// The registry's own words, as docker prints them.
func TestPushDenied(t *testing.T) {
	for name, tc := range map[string]struct {
		arrange func(*registrytest.Server) string // returns the docker configuration to use
		want    error
		says    string
	}{
		"401": {func(s *registrytest.Server) string {
			s.RequireBasic("ann", "s3cret")
			return t.TempDir()
		}, ErrUnauthorized, "no basic auth credentials"},
		"401, a wrong password": {func(s *registrytest.Server) string {
			s.RequireBasic("ann", "s3cret")
			return auths(t, s.Host, "ann", "wrong")
		}, ErrUnauthorized, "unauthorized: authentication required"},
		"401 without words": {func(s *registrytest.Server) string {
			s.Next(registrytest.Always, "", registrytest.Status(401, "", "WWW-Authenticate", "Basic realm=x"))
			return auths(t, s.Host, "ann", "s3cret")
		}, ErrUnauthorized, "unauthorized: authentication required"},
		"403": {func(s *registrytest.Server) string {
			s.Next(registrytest.Always, "", registrytest.Error(403, "DENIED", "requested access to the resource is denied"))
			return t.TempDir()
		}, ErrDenied, deniedWords},
		"403 without words": {func(s *registrytest.Server) string {
			s.Next(registrytest.Always, "", registrytest.Status(403, ""))
			return t.TempDir()
		}, ErrDenied, deniedWords},
		"own words": {func(s *registrytest.Server) string {
			s.Next(registrytest.Always, "", registrytest.Error(403, "DENIED", "your plan has no private repositories"))
			return t.TempDir()
		}, ErrDenied, "denied: your plan has no private repositories"},
		"a token for less": {func(s *registrytest.Server) string {
			s.RequireToken("", "")
			s.Next(registrytest.Always, "/v2/", registrytest.Status(401, "{}", "WWW-Authenticate",
				`Bearer realm="`+s.URL+`/token",error="insufficient_scope"`))
			return t.TempDir()
		}, ErrUnauthorized, deniedWords},
		"wrong password": {func(s *registrytest.Server) string {
			s.RequireToken("ann", "s3cret")
			return auths(t, s.Host, "ann", "wrong")
		}, ErrUnauthorized, "unauthorized: HOST refuses the credentials there are: incorrect username or password"},
	} {
		t.Run(name, func(t *testing.T) {
			reg := registrytest.New(t)
			c := newClient(t, Options{DockerConfig: tc.arrange(reg)})
			err := content(noise(1000)).push(t, c, reg)
			says := strings.ReplaceAll(tc.says, "HOST", reg.Host)
			if !errors.Is(err, tc.want) || err.Error() != says {
				t.Errorf("got %v, want %s", err, says)
			}
		})
	}
}

// A push asks for a token that pushes, whatever it was refused with, and a mount for one that reads its source too.
func TestPushScopes(t *testing.T) {
	reg := registrytest.New(t)
	reg.RequireToken("", "")
	c := newClient(t, Options{})
	data := content(noise(1000))
	if err := data.push(t, c, reg); err != nil {
		t.Fatal(err)
	}
	if _, err := c.MountBlob(t.Context(), parse(t, reg.Host+"/other"), parse(t, reg.Host+"/app"), data.descriptor().Digest); err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[[2]string][]string{
		{"repository:any:pull", "repository:app:pull,push"}:                        {"repository:any:pull,push"},
		{"repository:any:pull", "repository:app:pull"}:                             {"repository:any:pull"},
		{"", "repository:app:pull,push repository:b:pull"}:                         {"repository:app:pull,push", "repository:b:pull"},
		{"repository:app:pull,push", "repository:app:pull,push repository:b:pull"}: {"repository:app:pull,push", "repository:b:pull"},
		{"registry:catalog:*", "registry:catalog:*"}:                               {"registry:catalog:*"},
		{"x", ""}: {},
	} {
		if diff := cmp.Diff(want, scopes(asked[0], asked[1])); diff != "" {
			t.Errorf("%q: %s", asked, diff)
		}
	}
	if n := reg.Count("/token"); n != 2 {
		t.Errorf("%d tokens were asked for, want one for each scope", n)
	}
}

// An upload that goes on at another host goes there without credentials; there is nothing secret in the errors.
func TestPushToAnotherHost(t *testing.T) {
	for _, kind := range []string{"basic", "token"} {
		for _, behavior := range []string{"location", "redirect"} {
			t.Run(kind+" "+behavior, func(t *testing.T) {
				other, reg := registrytest.New(t), registrytest.New(t)
				if kind == "basic" {
					reg.RequireBasic("ann", "s3cret")
				} else {
					reg.RequireToken("ann", "s3cret")
				}
				begun, err := http.Post(other.URL+"/v2/app/blobs/uploads/", "", nil)
				if err != nil {
					t.Fatal(err)
				}
				begun.Body.Close()
				location := other.URL + begun.Header.Get("Location")
				if behavior == "location" {
					reg.Next(1, "POST", registrytest.Status(202, "", "Location", location+"?signature=secret"))
				} else {
					reg.Next(1, "PATCH", registrytest.Status(307, "", "Location", location+"?signature=secret"))
				}
				c, data := newClient(t, Options{DockerConfig: auths(t, reg.Host, "ann", "s3cret")}), content(noise(1000))
				if err := data.push(t, c, reg); err != nil {
					t.Fatal(err)
				}
				other.Next(registrytest.Always, "", registrytest.Status(403, ""))
				reg.Next(1, "POST", registrytest.Status(202, "", "Location", location+"?signature=secret"))
				if err := data.push(t, c, reg); !errors.Is(err, ErrDenied) || strings.Contains(err.Error(), "secret") {
					t.Errorf("got %v", err)
				}
				for _, r := range other.Requests("") {
					if r.Header.Get("Authorization") != "" {
						t.Errorf("%s %s had credentials", r.Method, r.Path)
					}
				}
				if other.Count("PATCH") != 2 {
					t.Errorf("%d parts came to the other host", other.Count("PATCH"))
				}
			})
		}
	}
}

// Mirrors are for reading.
func TestPushIgnoresMirrors(t *testing.T) {
	mirror := registrytest.New(t)
	c := newClient(t, Options{Mirrors: []string{mirror.URL}})
	endpoints, err := c.endpointsOf(pushing(parse(t, "alpine"), ""))
	if err != nil || len(endpoints) != 1 || endpoints[0].host != hubHost {
		t.Errorf("%v, %v", endpoints, err)
	}
}
