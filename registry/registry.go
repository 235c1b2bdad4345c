package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What a registry may answer. Errors of this package wrap one of them where one fits, or else the network's own
// (context.Canceled, syscall.ECONNREFUSED, a *net.DNSError, …).
var (
	ErrNotFound     = errors.New("not found")               // no such repository, tag or blob
	ErrUnauthorized = errors.New("authentication required") // 401 with the credentials there are
	ErrDenied       = errors.New("access denied")           // 403
	ErrTooLarge     = errors.New("larger than allowed")     // a manifest over 4 MiB
	ErrTruncated    = errors.New("ended early")             // a blob that ends before its size, each time it is asked for
	ErrStalled      = errors.New("no data for too long")    // no byte for Options.StallTimeout, each time
	ErrUnavailable  = errors.New("registry is unavailable") // 429 or 5xx, each time
	ErrUnsupported  = errors.New("not supported")           // a manifest of Docker's schema 1, or of an unknown media type
	ErrProtocol     = errors.New("not a registry's answer") // what cannot be understood
)

// Client speaks to registries. Its methods may be called from many goroutines; all of them share one limit on parallel
// blob downloads.
type Client struct {
	options   Options
	transport http.RoundTripper
	pause     time.Duration // before the first retry
	patience  time.Duration // what servers may ask for with Retry-After, for one question
	slots     chan struct{} // one for each blob being downloaded

	mu        sync.Mutex // guards endpoints
	endpoints map[string]*endpoint
}

// Options configures a [Client]. The zero value is docker's behaviour.
type Options struct {
	// Insecure lists hosts (host or host:port) that may be spoken to over plain HTTP, or HTTPS with any certificate.
	// Loopback hosts always may.
	Insecure []string
	// Mirrors are base URLs that are asked for docker.io's images first, in this order.
	Mirrors []string
	// DockerConfig is the directory of docker's config.json; "" for $DOCKER_CONFIG, then $HOME/.docker.
	DockerConfig string
	// Parallel is how many blobs are downloaded at once; 0 for 4.
	Parallel int
	// SearchURL is where docker.io is searched, such as https://index.docker.io/v1/, which "" means.
	SearchURL string
	// StallTimeout is how long a request or a transfer may give no byte; 0 for 30 s.
	StallTimeout time.Duration
}

// New makes a client. It reads no file and opens no connection before it is used.
func New(o Options) *Client {
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	if o.StallTimeout <= 0 {
		o.StallTimeout = 30 * time.Second
	}
	return &Client{
		options:   o,
		transport: newTransport(o),
		pause:     100 * time.Millisecond,
		patience:  60 * time.Second,
		slots:     make(chan struct{}, o.Parallel),
		endpoints: map[string]*endpoint{},
	}
}

// Manifest is a manifest or an image index as the registry serves it.
type Manifest struct {
	Descriptor ocispec.Descriptor // MediaType, Digest and Size of Raw
	Raw        []byte
}

// Manifest fetches the manifest or index that ref names by tag or by digest (a digest wins), checked against its
// digest.
func (c *Client) Manifest(ctx context.Context, ref reference.Named) (Manifest, error) {
	if digested, ok := ref.(reference.Digested); ok {
		return c.ManifestByDigest(ctx, ref, digested.Digest())
	}
	return c.manifestByTag(ctx, reference.TagNameOnly(ref).(reference.NamedTagged))
}

// ManifestByDigest fetches the manifest d of ref's repository.
func (c *Client) ManifestByDigest(ctx context.Context, ref reference.Named, d digest.Digest) (Manifest, error) {
	return c.manifestByDigest(ctx, reference.TrimNamed(ref), d)
}

// Blob reads a blob of ref's repository from offset to its end, desc.Size. The reader asks again, from where it stands,
// after any failure that may pass; it ends with io.EOF only at desc.Size. The caller checks the digest and closes it.
func (c *Client) Blob(ctx context.Context, ref reference.Named, desc ocispec.Descriptor, offset int64) (io.ReadCloser, error) {
	return c.openBlob(ctx, reference.TrimNamed(ref), desc, offset)
}

// Tags lists the tags of ref's repository, sorted.
func (c *Client) Tags(ctx context.Context, ref reference.Named) ([]string, error) {
	return c.listTags(ctx, reference.TrimNamed(ref))
}

// HasBlob tells whether ref's repository has the blob d. It asks as one who may push there.
func (c *Client) HasBlob(ctx context.Context, ref reference.Named, d digest.Digest) (bool, error) {
	return c.hasBlob(ctx, reference.TrimNamed(ref), d)
}

// MountBlob gives ref's repository the blob d that from, a repository of the same registry, has, and tells whether it did:
// a registry may refuse for any reason, which is no error.
func (c *Client) MountBlob(ctx context.Context, ref, from reference.Named, d digest.Digest) (mounted bool, err error) {
	return c.mountBlob(ctx, reference.TrimNamed(ref), reference.TrimNamed(from), d)
}

// PushBlob stores a blob in ref's repository. After any failure that may pass it goes on where the registry stands, or
// begins anew if that forgot the upload. progress, which may be nil, is called with the bytes sent so far.
func (c *Client) PushBlob(ctx context.Context, ref reference.Named, desc ocispec.Descriptor, source Source, progress func(done int64)) error {
	return c.pushBlob(ctx, reference.TrimNamed(ref), desc, source, progress)
}

// PushManifest stores a manifest or an index, as it is, under the tag or the digest that ref has. What it names must be
// in the repository.
func (c *Client) PushManifest(ctx context.Context, ref reference.Named, m Manifest) error {
	return c.pushManifest(ctx, ref, m)
}
