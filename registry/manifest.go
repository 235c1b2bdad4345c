package registry

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const maxManifest = 4 << 20 // bytes

func (c *Client) manifestByTag(ctx context.Context, name reference.NamedTagged) (Manifest, error) {
	q := question{name: name, subject: "manifest for " + reference.FamiliarString(name)}
	return c.manifest(ctx, q, name.Tag(), "")
}

func (c *Client) manifestByDigest(ctx context.Context, repository reference.Named, d digest.Digest) (Manifest, error) {
	if err := d.Validate(); err != nil {
		return Manifest{}, fail(ErrUnsupported, "digest %q: %v", d, err)
	}
	name, err := reference.WithDigest(repository, d)
	if err != nil {
		return Manifest{}, err
	}
	q := question{name: name, subject: "manifest for " + reference.FamiliarString(name)}
	return c.manifest(ctx, q, d.String(), d)
}

// manifest asks for a tag, or for want if it is not "".
func (c *Client) manifest(ctx context.Context, q question, tagOrDigest string, want digest.Digest) (Manifest, error) {
	path := reference.Path(q.name) + "/manifests/" + tagOrDigest
	var m Manifest
	err := c.ask(ctx, q, c.newAttempts(), func(ctx context.Context, e *endpoint) (err error) {
		resp, err := c.get(ctx, e, request{
			url:    func(scheme string) (*url.URL, error) { return e.url(scheme, path) },
			scope:  q.scope(),
			header: http.Header{"Accept": {strings.Join(manifestTypes, ", ")}},
		})
		if err != nil {
			return err
		}
		m, err = readManifest(resp, want)
		return err
	})
	return m, err
}

// readManifest reads, checks and closes a response.
func readManifest(resp *http.Response, want digest.Digest) (Manifest, error) {
	defer resp.Body.Close()
	if resp.ContentLength > maxManifest {
		return Manifest{}, fail(ErrTooLarge, "%d bytes, where 4 MiB are allowed", resp.ContentLength)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxManifest+1))
	if err != nil {
		return Manifest{}, err
	}
	if len(raw) > maxManifest {
		return Manifest{}, fail(ErrTooLarge, "more than the 4 MiB that are allowed")
	}
	if want == "" {
		want = promised(resp.Header, raw)
	}
	if got := want.Algorithm().FromBytes(raw); got != want {
		return Manifest{}, fail(ErrProtocol, "got %s, want %s", got, want)
	}
	mediaType, err := mediaTypeOf(resp.Header.Get("Content-Type"), raw)
	if err != nil {
		return Manifest{}, err
	}
	return Manifest{
		Descriptor: ocispec.Descriptor{MediaType: mediaType, Digest: want, Size: int64(len(raw))},
		Raw:        raw,
	}, nil
}

// promised is the digest that a registry gives with a tag's manifest, and the manifest's own if it gives none.
func promised(header http.Header, raw []byte) digest.Digest {
	d, err := digest.Parse(header.Get("Docker-Content-Digest"))
	if err != nil {
		return digest.FromBytes(raw)
	}
	return d
}
