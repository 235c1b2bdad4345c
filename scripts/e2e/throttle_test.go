package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// slowRegistry is the shared registry behind a proxy that passes on so many bytes of blobs a second, and counts them.
type slowRegistry struct {
	addr   string
	served atomic.Int64 // bytes of blobs
	rate   atomic.Int64 // bytes a second
}

func newSlowRegistry(t *testing.T, rate int64) *slowRegistry {
	t.Helper()
	if err := startRegistry(); err != nil {
		t.Fatal(err)
	}
	s := &slowRegistry{}
	s.rate.Store(rate)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: shared.registry.Addr})
	proxy.FlushInterval = -1
	proxy.ModifyResponse = func(r *http.Response) error {
		if strings.Contains(r.Request.URL.Path, "/blobs/") {
			r.Body = &slowBody{ReadCloser: r.Body, registry: s}
		}
		return nil
	}
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {} // the reader went away
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	s.addr = server.Listener.Addr().String()
	return s
}

// name is an image of the shared registry under this one's address.
func (s *slowRegistry) name(image string) string {
	_, path, _ := strings.Cut(image, "/")
	return s.addr + "/" + path
}

type slowBody struct {
	io.ReadCloser
	registry *slowRegistry
}

const slowStep = 20 * time.Millisecond

func (b *slowBody) Read(p []byte) (int, error) {
	most := max(1, b.registry.rate.Load()*int64(slowStep)/int64(time.Second))
	<-time.After(slowStep)
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), most)])
	b.registry.served.Add(int64(n))
	return n, err
}
