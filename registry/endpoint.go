package registry

import (
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	hubDomain = "docker.io"
	hubHost   = "registry-1.docker.io"
	// hubAccount is the name under which docker keeps its hub's credentials.
	hubAccount = "https://index.docker.io/v1/"
	// mirrorRest is how long a mirror that failed is left alone.
	mirrorRest = time.Minute
)

// endpoint is a host that serves repositories.
type endpoint struct {
	host    string   // host or host:port
	path    string   // before /v2/: "" or "/prefix"
	schemes []string // that may work, the likely one first
	mirror  bool
	auth    *authorizer

	mu     sync.Mutex // guards what follows
	scheme string     // the one that works; "" while it is not known
	rests  time.Time  // a mirror is not asked before
}

// endpointsOf returns where q may be put, in the order in which to ask. Nothing is pushed to a mirror.
func (c *Client) endpointsOf(q question) ([]*endpoint, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.endpoint(q.domain, c.newRegistry(q.domain))
	if q.domain != hubDomain || q.pushes {
		return []*endpoint{own}, nil
	}
	var all []*endpoint
	for _, base := range c.options.Mirrors {
		mirror, err := c.newMirror(base)
		if err != nil {
			return nil, err
		}
		all = append(all, c.endpoint("mirror "+base, mirror))
	}
	return append(all, own), nil
}

// endpoint returns the one that is known by key, or else fresh. The caller holds c.mu.
func (c *Client) endpoint(key string, fresh *endpoint) *endpoint {
	if c.endpoints[key] == nil {
		c.endpoints[key] = fresh
	}
	return c.endpoints[key]
}

// newRegistry is the endpoint of a registry by its name in references.
func (c *Client) newRegistry(domain string) *endpoint {
	if domain == hubDomain {
		return &endpoint{host: hubHost, schemes: []string{"https"}, auth: c.newAuthorizer(hubAccount)}
	}
	return c.newHost(domain)
}

func (c *Client) newHost(host string) *endpoint {
	return &endpoint{host: host, schemes: c.schemesOf(host), auth: c.newAuthorizer(host)}
}

func (c *Client) newMirror(base string) (*endpoint, error) {
	scheme, rest, ok := strings.Cut(base, "://")
	if !ok {
		scheme, rest = "", base
	}
	u, err := url.Parse("https://" + rest)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fail(ErrUnsupported, "a mirror is given as https://HOST[:PORT][/PATH], without a user, a query or a fragment")
	}
	e := c.newHost(u.Host)
	e.mirror = true
	e.path = strings.TrimSuffix(u.Path, "/")
	switch scheme {
	case "":
	case "http", "https":
		e.schemes = []string{scheme}
	default:
		return nil, fail(ErrUnsupported, "mirror %s: %s is not supported, only https and http", u.Host, scheme)
	}
	return e, nil
}

// schemesOf tells what to try. Loopback hosts hardly ever have certificates; for others the credentials are worth a
// failed handshake.
func (c *Client) schemesOf(host string) []string {
	switch {
	case isLoopback(host):
		return []string{"http", "https"}
	case isInsecure(host, c.options.Insecure):
		return []string{"https", "http"}
	}
	return []string{"https"}
}

// url is that of a path below /v2/.
func (e *endpoint) url(scheme, path string) (*url.URL, error) {
	return url.Parse(scheme + "://" + e.host + e.path + "/v2/" + path)
}

// candidates are the schemes that are still to be tried.
func (e *endpoint) candidates() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.scheme != "" {
		return []string{e.scheme}
	}
	return e.schemes
}

func (e *endpoint) settle(scheme string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.scheme = scheme
}

// rest leaves a mirror alone for a while; the registry itself never rests.
func (e *endpoint) rest() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rests = time.Now().Add(mirrorRest)
}

func (e *endpoint) resting() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mirror && time.Now().Before(e.rests)
}
