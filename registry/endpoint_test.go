package registry

import (
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/imagefs/imagefs/registry/registrytest"
)

func TestIsInsecure(t *testing.T) {
	insecure := []string{"Plain.example", "port.example:5000", "[fd00::1]:80"}
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.9.10:5000": true, "localhost": true, "LOCALHOST:1": true, "[::1]:5000": true, "::1": true,
		"plain.example": true, "plain.example:5000": true, "port.example:5000": true, "[fd00::1]:80": true,
		"port.example": false, "port.example:5001": false, "[fd00::1]:81": false, "example": false, "localhost.example": false,
		"10.0.0.1:5000": false, "127.0.0.1.example": false,
	} {
		if got := isInsecure(host, insecure); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

// Loopback registries work with http and with https, and nobody has to say which.
func TestEndpointLoopback(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *registrytest.Server{
		"http": registrytest.New, "https": registrytest.NewTLS,
	} {
		t.Run(name, func(t *testing.T) {
			reg := start(t)
			desc, data := putNoise(reg, 100_000)
			c := newClient(t, Options{})
			wantBlob(t, c, reg, desc, data)
			wantBlob(t, c, reg, desc, data)
			if n := reg.Count(""); n != 2 {
				t.Errorf("%d requests, want none that finds out the scheme again", n)
			}
		})
	}
}

// The first failure is not taken for an answer to which scheme it is.
func TestEndpointSchemeDespiteFailures(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *registrytest.Server{
		"http": registrytest.New, "https": registrytest.NewTLS,
	} {
		t.Run(name, func(t *testing.T) {
			reg := start(t)
			desc, data := putNoise(reg, 100_000)
			reg.Next(2, blobs, registrytest.Reset(-1))
			reg.Next(1, blobs, registrytest.Status(503, ""))
			wantBlob(t, newClient(t, Options{}), reg, desc, data)
		})
	}
}

// outside makes c reach host, which is not loopback, where reg is.
func outside(t *testing.T, c *Client, host string, reg *registrytest.Server) {
	t.Helper()
	network := c.transport.(*transport)
	for _, rt := range []http.RoundTripper{network.strict, network.lax} {
		dialInstead(rt.(*http.Transport), host, reg.Host)
	}
}

func TestEndpointInsecure(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *registrytest.Server{
		"http": registrytest.New, "https": registrytest.NewTLS,
	} {
		t.Run(name, func(t *testing.T) {
			reg := start(t)
			want := reg.PutImage("app", "1.0", []byte("{}"))
			c := newClient(t, Options{Insecure: []string{"plain.example"}})
			outside(t, c, "plain.example:5000", reg)
			m, err := c.Manifest(t.Context(), parse(t, "plain.example:5000/app:1.0"))
			if err != nil || m.Descriptor.Digest != want.Digest {
				t.Errorf("got %v, %v", m.Descriptor, err)
			}
		})
	}
}

func TestEndpointSecure(t *testing.T) {
	plain, unknown := registrytest.New(t), registrytest.NewTLS(t)
	c := newClient(t, Options{})
	outside(t, c, "plain.example:443", plain)
	_, err := c.Manifest(t.Context(), parse(t, "plain.example/app:1.0"))
	if !errors.Is(err, http.ErrSchemeMismatch) {
		t.Errorf("http: %v", err)
	}
	outside(t, c, "unknown.example:443", unknown)
	var certificate *tls.CertificateVerificationError
	_, err = c.Manifest(t.Context(), parse(t, "unknown.example/app:1.0"))
	if !errors.As(err, &certificate) {
		t.Errorf("a certificate of nobody: %v", err)
	}
	if plain.Count("")+unknown.Count("") != 0 {
		t.Error("asked nevertheless")
	}
}

// A redirect from a registry with any certificate does not lead to another with any certificate, nor to plain http.
func TestEndpointRedirectStaysSecure(t *testing.T) {
	reg, other, plain := registrytest.NewTLS(t), registrytest.NewTLS(t), registrytest.New(t)
	c := newClient(t, Options{Insecure: []string{"lax.example"}})
	outside(t, c, "lax.example:443", reg)
	outside(t, c, "other.example:443", other)
	outside(t, c, "other.example:80", plain)
	reg.Next(1, manifests, registrytest.Redirect("https://other.example"))
	var certificate *tls.CertificateVerificationError
	_, err := c.Manifest(t.Context(), parse(t, "lax.example/app:1.0"))
	if !errors.As(err, &certificate) {
		t.Errorf("https: %v", err)
	}
	reg.Next(1, manifests, registrytest.Redirect("http://other.example"))
	_, err = c.Manifest(t.Context(), parse(t, "lax.example/app:1.0"))
	if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "a redirect from https on lax.example to http on other.example") {
		t.Errorf("http: %v", err)
	}
	if other.Count("")+plain.Count("") != 0 {
		t.Error("asked nevertheless")
	}
}

// hub makes reg docker.io's own registry for c.
func hub(t *testing.T, c *Client, reg *registrytest.Server) {
	t.Helper()
	e := c.newHost(reg.Host)
	e.auth = c.newAuthorizer(hubAccount)
	c.endpoints[hubDomain] = e
}

func TestMirror(t *testing.T) {
	first, second, own := registrytest.New(t), registrytest.NewTLS(t), registrytest.New(t)
	own.RequireBasic("ann", "s3cret")
	want := own.PutImage("library/app", "1.0", []byte("{}"))
	c := newClient(t, Options{
		Mirrors:      []string{first.URL, second.URL + "/"},
		DockerConfig: auths(t, hubAccount, "ann", "s3cret"),
	})
	hub(t, c, own)
	get := func() {
		t.Helper()
		m, err := c.Manifest(t.Context(), parse(t, "app:1.0"))
		if err != nil || m.Descriptor.Digest != want.Digest {
			t.Errorf("got %v, %v", m.Descriptor, err)
		}
	}
	counts := func(want ...int) {
		t.Helper()
		if got := []int{first.Count(""), second.Count(""), own.Count("")}; !slices.Equal(got, want) {
			t.Errorf("%v requests to the mirrors and docker.io, want %v", got, want)
		}
	}
	get() // the mirrors do not have it
	counts(1, 1, 2)
	second.PutImage("library/app", "1.0", []byte("{}"))
	get() // now the second has
	counts(2, 2, 2)
	first.PutImage("library/app", "1.0", []byte("{}"))
	get()
	counts(3, 2, 2)
	first.RequireToken("ann", "s3cret")
	get() // docker.io's credentials are not for mirrors
	counts(5, 3, 2)
	second.Next(1, "", registrytest.Flip(10))
	get() // a wrong answer is none
	for _, r := range append(first.Requests(""), second.Requests("")...) {
		if r.Header.Get("Authorization") != "" {
			t.Error("a mirror got docker.io's credentials")
		}
	}
}

// A mirror that is not there is not asked for each layer anew.
func TestMirrorRests(t *testing.T) {
	dead, cutting, own := registrytest.New(t), registrytest.New(t), registrytest.New(t)
	dead.Close()
	desc := own.PutBlob("library/app", "", noise(100_000))
	cutting.PutBlob("library/app", "", noise(100_000))
	cutting.Next(registrytest.Always, "", registrytest.Truncate(30_000))
	c := newClient(t, Options{Mirrors: []string{dead.URL, cutting.URL}})
	hub(t, c, own)
	for range 2 {
		body, err := c.Blob(t.Context(), parse(t, "app"), desc, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readAllAndClose(body); err != nil {
			t.Error(err)
		}
	}
	if cutting.Count("") != 1 || own.Count("") != 2 {
		t.Errorf("%d requests to the mirror and %d to docker.io", cutting.Count(""), own.Count(""))
	}
	if got := own.Bytes(""); got != 70_000+100_000 {
		t.Errorf("docker.io sent %d bytes, want only what the mirror did not", got)
	}
}

func TestMirrorOnlyForDockerHub(t *testing.T) {
	mirror, reg := registrytest.New(t), registrytest.New(t)
	desc, data := putNoise(reg, 1000)
	wantBlob(t, newClient(t, Options{Mirrors: []string{mirror.URL}}), reg, desc, data)
	if mirror.Count("") != 0 {
		t.Error("the mirror was asked")
	}
}

func TestMirrorAddress(t *testing.T) {
	c := newClient(t, Options{})
	for base, want := range map[string]string{
		"https://mirror.example":        "[https] mirror.example/v2/x",
		"http://mirror.example:80/a/":   "[http] mirror.example:80/a/v2/x",
		"mirror.example":                "[https] mirror.example/v2/x",
		"localhost:5000":                "[http https] localhost:5000/v2/x",
		"https://ann:pw@mirror.example": "",
		"ftp://mirror.example":          "",
		"https://":                      "",
		"https://mirror.example?x":      "",
	} {
		e, err := c.newMirror(base)
		if want == "" {
			if err == nil || strings.Contains(err.Error(), "pw") {
				t.Errorf("%s: %v", base, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", base, err)
			continue
		}
		u, _ := e.url("https", "x")
		if got := "[" + strings.Join(e.schemes, " ") + "] " + strings.TrimPrefix(u.String(), "https://"); got != want {
			t.Errorf("%s: got %s", base, got)
		}
	}
	_, err := newClient(t, Options{Mirrors: []string{"ftp://x"}}).Manifest(t.Context(), parse(t, "app:1.0"))
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func TestEndpointDockerHub(t *testing.T) {
	c := newClient(t, Options{DockerConfig: auths(t, "https://index.docker.io/v1/", "ann", "s3cret")})
	endpoints, err := c.endpointsOf(pulling(parse(t, "alpine"), ""))
	if err != nil || len(endpoints) != 1 {
		t.Fatal(endpoints, err)
	}
	e := endpoints[0]
	if e.host != "registry-1.docker.io" || !slices.Equal(e.schemes, []string{"https"}) {
		t.Errorf("%s, %v", e.host, e.schemes)
	}
	if own, err := e.auth.find(t.Context()); err != nil || own.user != "ann" {
		t.Errorf("the account: %v", err)
	}
	outside(t, c, "registry-1.docker.io:443", func() *registrytest.Server { s := registrytest.New(t); s.Close(); return s }())
	_, err = c.Manifest(t.Context(), parse(t, "alpine"))
	if !errors.Is(err, syscall.ECONNREFUSED) || !strings.HasPrefix(err.Error(), "registry-1.docker.io: manifest for alpine:latest: ") {
		t.Errorf("got %v", err)
	}
}
