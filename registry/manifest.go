package registry

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const maxManifest = 4 << 20 // bytes

func (c *Client) manifestByTag(ctx context.Context, name reference.NamedTagged) (Manifest, error) {
	return c.manifest(ctx, name, name.Tag(), "")
}

func (c *Client) manifestByDigest(ctx context.Context, repository reference.Named, d digest.Digest) (Manifest, error) {
	if err := d.Validate(); err != nil {
		return Manifest{}, fail(ErrUnsupported, "digest %q: %v", d, err)
	}
	name, err := reference.WithDigest(repository, d)
	if err != nil {
		return Manifest{}, err
	}
	return c.manifest(ctx, name, d.String(), d)
}

// manifest asks for what name means: a tag, or want if it is not "".
func (c *Client) manifest(ctx context.Context, name reference.Named, tagOrDigest string, want digest.Digest) (Manifest, error) {
	q := pulling(name, manifestOf(name))
	path := manifestPath(name, tagOrDigest)
	var m Manifest
	err := c.ask(ctx, q, c.newAttempts(), func(ctx context.Context, e *endpoint) (err error) {
		resp, err := c.do(ctx, e, request{
			url:    at(e, path),
			scope:  q.scope,
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

func (c *Client) pushManifest(ctx context.Context, ref reference.Named, m Manifest) error {
	q := pushing(ref, manifestOf(ref))
	tagOrDigest := m.Descriptor.Digest.String()
	if tagged, ok := ref.(reference.Tagged); ok {
		tagOrDigest = tagged.Tag()
	}
	return c.ask(ctx, q, c.newAttempts(), func(ctx context.Context, e *endpoint) error {
		resp, err := c.do(ctx, e, request{
			method: http.MethodPut,
			url:    at(e, manifestPath(ref, tagOrDigest)),
			scope:  q.scope,
			header: http.Header{"Content-Type": {m.Descriptor.MediaType}},
			body:   bodyOf(m.Raw),
		})
		if err != nil {
			return err
		}
		drain(resp.Body)
		if got := promised(resp.Header, m.Raw); got != m.Descriptor.Digest {
			return fail(ErrProtocol, "stored as %s, not %s", got, m.Descriptor.Digest)
		}
		return nil
	})
}

func manifestOf(name reference.Named) string { return "manifest for " + reference.FamiliarString(name) }

func manifestPath(name reference.Named, tagOrDigest string) string {
	return reference.Path(name) + "/manifests/" + tagOrDigest
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
