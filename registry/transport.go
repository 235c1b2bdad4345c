package registry

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
)

// transport is the network. Certificates are checked for each host by itself, so that a redirect from a host that may
// have any certificate does not extend this to another.
type transport struct {
	strict, lax http.RoundTripper
	insecure    []string
}

func newTransport(o Options) *transport {
	strict := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		DisableCompression:  true, // a blob's digest is that of the bytes as they are sent
		MaxIdleConnsPerHost: o.Parallel + 1,
		IdleConnTimeout:     idleTimeout,
		ReadBufferSize:      64 << 10,
		WriteBufferSize:     64 << 10,
	}
	lax := strict.Clone()
	lax.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	return &transport{strict: strict, lax: lax, insecure: o.Insecure}
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if isInsecure(req.URL.Host, t.insecure) {
		return t.lax.RoundTrip(req)
	}
	return t.strict.RoundTrip(req)
}

// isInsecure tells whether host, with or without a port, may be spoken to over plain HTTP or with any certificate.
func isInsecure(host string, insecure []string) bool {
	name := hostname(host)
	for _, entry := range insecure {
		if strings.EqualFold(entry, host) || strings.EqualFold(hostname(entry), name) && entry == withoutPort(entry) {
			return true
		}
	}
	return isLoopback(host)
}

func isLoopback(host string) bool {
	name := hostname(host)
	return strings.EqualFold(name, "localhost") || net.ParseIP(name).IsLoopback()
}

// hostname is host without its port and without the brackets of an IPv6 address.
func hostname(host string) string {
	return strings.Trim(withoutPort(host), "[]")
}

func withoutPort(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		return host
	}
	return name
}
