package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry/registrytest"
)

const manifests = "GET /v2/app/manifests/"

func TestManifest(t *testing.T) {
	reg := registrytest.New(t)
	image := reg.PutImage("app", "1.0", []byte("{}"))
	image.Platform = &ocispec.Platform{OS: "linux", Architecture: "arm64"}
	index := reg.PutIndex("app", "latest", image)
	c := newClient(t, Options{})
	for name, want := range map[string]ocispec.Descriptor{
		"/app:1.0":                              image,
		"/app":                                  index,
		"/app:latest":                           index,
		"/app@" + image.Digest.String():         image,
		"/app:latest@" + image.Digest.String():  image,
		"/app:nowhere@" + index.Digest.String(): index,
	} {
		got, err := c.Manifest(t.Context(), parse(t, reg.Host+name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Descriptor.Digest != want.Digest || got.Descriptor.MediaType != want.MediaType || got.Descriptor.Size != want.Size {
			t.Errorf("%s: got %v, want %v", name, got.Descriptor, want)
		}
		if digest.FromBytes(got.Raw) != want.Digest {
			t.Errorf("%s: the bytes are not those of the digest", name)
		}
	}
	got, err := c.ManifestByDigest(t.Context(), parse(t, reg.Host+"/app:latest"), image.Digest)
	if err != nil || got.Descriptor.Digest != image.Digest {
		t.Errorf("by digest: %v, %v", got.Descriptor, err)
	}
}

func TestManifestMediaType(t *testing.T) {
	const (
		image   = `"schemaVersion":2,"config":{},"layers":[]`
		index   = `"schemaVersion":2,"manifests":[]`
		schema1 = `"schemaVersion":1,"name":"app","fsLayers":[]`
	)
	for _, tc := range []struct {
		served, body string
		want         string
		err          error
	}{
		{ocispec.MediaTypeImageManifest, image, ocispec.MediaTypeImageManifest, nil},
		{ocispec.MediaTypeImageManifest + "; charset=utf-8", image, ocispec.MediaTypeImageManifest, nil},
		{ocispec.MediaTypeImageIndex, index, ocispec.MediaTypeImageIndex, nil},
		{dockerManifest, image, dockerManifest, nil},
		{dockerManifest, image + `,"mediaType":"` + dockerManifest + `"`, dockerManifest, nil},
		{dockerIndex, index, dockerIndex, nil},
		{"", image, ocispec.MediaTypeImageManifest, nil},
		{"application/json", index, ocispec.MediaTypeImageIndex, nil},
		{"text/plain", image + `,"mediaType":"` + dockerManifest + `"`, dockerManifest, nil},
		{ocispec.MediaTypeImageIndex, image, "", ErrProtocol},
		{ocispec.MediaTypeImageManifest, index, "", ErrProtocol},
		{ocispec.MediaTypeImageManifest, image + `,"manifests":[]`, "", ErrProtocol},
		{dockerManifest, image + `,"mediaType":"` + ocispec.MediaTypeImageManifest + `"`, "", ErrProtocol},
		{"text/html", image, "", ErrProtocol},
		{"application/json", `"a":1`, "", ErrProtocol},
		{"application/json", schema1, "", ErrUnsupported},
		{"application/vnd.docker.distribution.manifest.v1+prettyjws", schema1, "", ErrUnsupported},
		{"application/vnd.oci.artifact.manifest.v1+json", `"blobs":[]`, "", ErrUnsupported},
		{"application/json", image + `,"mediaType":"application/vnd.example+json"`, "", ErrUnsupported},
	} {
		got, err := mediaTypeOf(tc.served, []byte("{"+tc.body+"}"))
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%s {%s}: got %q, %v", tc.served, tc.body, got, err)
		}
	}
}

func FuzzMediaTypeOf(f *testing.F) {
	f.Add("application/json", []byte(`{"schemaVersion":2,"manifests":null}`))
	f.Add("text/html; charset", []byte(`<html>`))
	f.Fuzz(func(t *testing.T, served string, raw []byte) {
		mediaType, err := mediaTypeOf(served, raw)
		if (mediaType == "") != (err != nil) {
			t.Errorf("%q and %v", mediaType, err)
		}
		if err == nil && !json.Valid(raw) {
			t.Error("accepted what is not JSON")
		}
	})
}

func TestManifestFails(t *testing.T) {
	const html = "<html>please log in to this café's network</html>"
	big := append(append([]byte(`{"a":"`), bytes.Repeat([]byte("x"), maxManifest)...), `"}`...)
	for name, tc := range map[string]struct {
		behavior registrytest.Behavior
		want     error
		words    string // after the host
	}{
		"no such tag":        {registrytest.Error(404, "MANIFEST_UNKNOWN", "manifest unknown"), ErrNotFound, ": manifest for HOST/app:1.0 not found: manifest unknown"},
		"no such repository": {registrytest.Error(404, "NAME_UNKNOWN", "repository name not known to registry"), ErrNotFound, ": repository HOST/app not found: name unknown: repository name not known to registry"},
		"no registry":        {registrytest.Status(404, html, "Content-Type", "text/html"), ErrNotFound, ": manifest for HOST/app:1.0 not found"},
		"denied":             {registrytest.Error(403, "DENIED", "requested access to the resource is denied"), ErrDenied, ": pull access denied for HOST/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"},
		"unauthorized":       {registrytest.Error(401, "UNAUTHORIZED", "authentication required"), ErrUnauthorized, ": pull access denied for HOST/app, repository does not exist or may require 'docker login'"},
		"429":                {registrytest.Error(429, "TOOMANYREQUESTS", "you have reached your pull rate limit"), ErrUnavailable, ": manifest for HOST/app:1.0: HTTP 429 Too Many Requests: toomanyrequests: you have reached your pull rate limit"},
		"503":                {registrytest.Status(503, html, "Content-Type", "text/html"), ErrUnavailable, ": manifest for HOST/app:1.0: HTTP 503 Service Unavailable"},
		"a web page":         {registrytest.Status(200, html, "Content-Type", "text/html"), ErrProtocol, ": manifest for HOST/app:1.0: neither a manifest nor an index, but text/html"},
		"reset":              {registrytest.Reset(-1), syscall.ECONNRESET, ": manifest for HOST/app:1.0: "},
		"cut":                {registrytest.Cut(10), ErrTruncated, ": manifest for HOST/app:1.0: "},
		"too large":          {registrytest.Status(200, string(big)), ErrTooLarge, ": manifest for HOST/app:1.0: "},
		"wrong digest":       {registrytest.Flip(20), ErrProtocol, ": manifest for HOST/app:1.0: got sha256:"},
		"redirects":          {registrytest.Status(307, "", "Location", "?again"), ErrProtocol, ": manifest for HOST/app:1.0: more than 10 redirects"},
		"redirect nowhere":   {registrytest.Status(307, ""), ErrProtocol, ": manifest for HOST/app:1.0: a redirect from HOST to no URL"},
		"redirect elsewhere": {registrytest.Status(307, "", "Location", "ftp://x/?signature=secret"), ErrProtocol, ": manifest for HOST/app:1.0: a redirect from HOST to no web server"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t)
			reg.PutImage("app", "1.0", []byte("{}"))
			reg.Next(registrytest.Always, manifests, tc.behavior)
			_, err := newClient(t, Options{}).Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if want := reg.Host + strings.ReplaceAll(tc.words, "HOST", reg.Host); !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got %q\nwant %q", err, want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q tells a secret", err)
			}
		})
	}
}

// The real registry of the peers tells no such tag from no such repository too.
func TestManifestNotFound(t *testing.T) {
	reg := registrytest.New(t)
	reg.PutImage("app", "1.0", []byte("{}"))
	c := newClient(t, Options{})
	_, err := c.Manifest(t.Context(), parse(t, reg.Host+"/app:2.0"))
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "manifest for") {
		t.Errorf("got %v", err)
	}
	_, err = c.Manifest(t.Context(), parse(t, reg.Host+"/other:1.0"))
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "repository "+reg.Host+"/other not found") {
		t.Errorf("got %v", err)
	}
}

// What is too large is not read: not when the length is known before, and not when it is not.
func TestManifestTooLargeIsNotRead(t *testing.T) {
	reg := registrytest.New(t)
	big := strings.Repeat(" ", 64<<20)
	reg.Next(1, manifests, registrytest.Status(200, big, "Content-Length", "67108864"))
	reg.Next(1, manifests, registrytest.Status(200, big))
	c := newClient(t, Options{})
	for _, limit := range []int64{16 << 20, 24 << 20} { // what the sockets hold, and what was read
		_, err := c.Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("got %v", err)
		}
		if n := reg.Bytes(manifests); n > limit {
			t.Errorf("%d bytes were sent", n)
		}
	}
}

func TestManifestWrongDigest(t *testing.T) {
	reg := registrytest.New(t)
	desc := reg.PutImage("app", "1.0", []byte("{}"))
	reg.Next(registrytest.Always, manifests, registrytest.Flip(20))
	ref, _ := reference.WithDigest(parse(t, reg.Host+"/app"), desc.Digest)
	_, err := newClient(t, Options{}).Manifest(t.Context(), ref)
	if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "want "+desc.Digest.String()) {
		t.Errorf("got %v", err)
	}
}

func TestManifestSurvives(t *testing.T) {
	for name, behavior := range map[string]registrytest.Behavior{
		"429":   registrytest.Status(429, ""),
		"reset": registrytest.Reset(-1),
		"cut":   registrytest.Cut(20),
		"stall": registrytest.Stall(20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t)
			desc := reg.PutImage("app", "1.0", []byte("{}"))
			reg.Next(1, manifests, behavior)
			m, err := newClient(t, Options{StallTimeout: testStall}).Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
			if err != nil || m.Descriptor.Digest != desc.Digest {
				t.Errorf("got %v, %v", m.Descriptor, err)
			}
		})
	}
}

func TestManifestNobodyThere(t *testing.T) {
	reg := registrytest.New(t)
	reg.Close()
	began := time.Now()
	c := newClient(t, Options{})
	_, err := c.Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
	if !errors.Is(err, syscall.ECONNREFUSED) || !strings.HasPrefix(err.Error(), reg.Host+": manifest for ") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v to be refused", took)
	}
	var dns *net.DNSError
	_, err = c.Manifest(t.Context(), parse(t, "registry.invalid/app:1.0"))
	if !errors.As(err, &dns) {
		t.Errorf("got %v", err)
	}
}
