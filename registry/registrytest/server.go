// Package registrytest is an image registry for tests: a real one, in memory, behind real HTTP on loopback, that
// misbehaves on demand.
//
//	reg := registrytest.New(t)
//	reg.PutImage("web", "1.0", config, registrytest.Layer{MediaType: ocispec.MediaTypeImageLayerGzip, Data: tarGz})
//	reg.Next(2, "GET .*/blobs/", registrytest.Reset(4096))
//	… pull reg.Host + "/web:1.0" …
//	if n := reg.Count("/blobs/"); n != 4 { … }
package registrytest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
)

// Always makes a [Behavior] last.
const Always = -1

// Server is a registry that listens on a loopback port until its test ends.
type Server struct {
	URL  string // "http://127.0.0.1:34567"
	Host string // "127.0.0.1:34567"

	t       testing.TB
	http    *httptest.Server
	content http.Handler  // the registry itself, but for uploads
	done    chan struct{} // closed when the server closes

	mu       sync.Mutex // guards what follows
	rules    []*rule
	login    *login // nil for anybody
	requests []*Request
	uploads  map[string]*upload // by the last part of their location
	held     map[string][]byte  // blobs, by repository@digest
}

// New starts a registry that speaks plain HTTP.
func New(t testing.TB) *Server {
	s := prepare(t)
	s.http.Start()
	return s.started()
}

// NewTLS starts a registry that speaks HTTPS, HTTP/2 too, with a certificate that nobody trusts.
func NewTLS(t testing.TB) *Server {
	s := prepare(t)
	s.http.EnableHTTP2 = true
	s.http.StartTLS()
	return s.started()
}

func prepare(t testing.TB) *Server {
	s := &Server{t: t, done: make(chan struct{}), uploads: map[string]*upload{}, held: map[string][]byte{}}
	s.content = ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)), ggcr.WithBlobHandler(blobs{s}))
	s.http = httptest.NewUnstartedServer(s)
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

func (s *Server) started() *Server {
	s.URL = s.http.URL
	_, s.Host, _ = strings.Cut(s.URL, "://")
	s.t.Cleanup(s.Close)
	return s
}

// Close ends all that the server does and gives the port back. It may be called before the test ends, and again.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.done:
		s.mu.Unlock()
		return
	default:
	}
	close(s.done)
	s.mu.Unlock()
	s.http.CloseClientConnections()
	s.http.Close()
}

// ServeHTTP answers a request: it is refused without a login that is required, or answered as the first rule that
// matches it says, or else as a registry would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	noted := newRequest(r)
	s.admit(noted, r)(s, &recorder{ResponseWriter: w, request: noted}, r)
}

// admit notes a request and finds what to do with it.
func (s *Server) admit(noted *Request, r *http.Request) Behavior {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, noted)
	if !s.login.admits(r) {
		return s.login.challenge(s)
	}
	for _, rule := range s.rules {
		if rule.left != 0 && rule.pattern.MatchString(r.Method+" "+r.URL.Path) {
			rule.left--
			return rule.behavior
		}
	}
	return right(s.login)
}

// right answers as it should be.
func right(l *login) Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		if l != nil && l.token != "" && r.URL.Path == "/token" {
			l.serveToken(w, r)
			return
		}
		s.answer(w, r)
	}
}

// answer is the registry's own.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if !s.serveUpload(w, r) {
		s.content.ServeHTTP(w, r)
	}
}

// rule is what the next requests that match pattern get. One with a negative left lasts.
type rule struct {
	pattern  *regexp.Regexp
	left     int
	behavior Behavior
}

// Next makes the next n requests, or all with [Always], behave; pattern is a regular expression that a part of
// "METHOD /path" matches. Of several rules that match, the oldest that is not used up counts.
func (s *Server) Next(n int, pattern string, b Behavior) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, &rule{regexp.MustCompile(pattern), n, b})
}

// Behave forgets all rules.
func (s *Server) Behave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}
