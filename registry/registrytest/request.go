package registrytest

import (
	"net/http"
	"regexp"
	"slices"
	"sync/atomic"
)

// Request is one that the server got.
type Request struct {
	Method string
	Path   string
	Header http.Header
	status atomic.Int64
	bytes  atomic.Int64
}

// Status is that of the answer; 0 if there is none yet.
func (r *Request) Status() int { return int(r.status.Load()) }

// Bytes is how much of the answer's body was sent so far.
func (r *Request) Bytes() int64 { return r.bytes.Load() }

func newRequest(r *http.Request) *Request {
	return &Request{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone()}
}

// Requests are those so far that pattern matches, as in [Server.Next].
func (s *Server) Requests(pattern string) []*Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	re := regexp.MustCompile(pattern)
	var found []*Request
	for _, r := range s.requests {
		if re.MatchString(r.Method + " " + r.Path) {
			found = append(found, r)
		}
	}
	return found
}

// Count is the number of requests so far that pattern matches.
func (s *Server) Count(pattern string) int { return len(s.Requests(pattern)) }

// Bytes is how much of the answers' bodies to requests that pattern matches was sent so far.
func (s *Server) Bytes(pattern string) int64 {
	var n int64
	for _, r := range s.Requests(pattern) {
		n += r.Bytes()
	}
	return n
}

// recorder notes what an answer is.
type recorder struct {
	http.ResponseWriter
	request *Request
}

func (w *recorder) WriteHeader(status int) {
	w.request.status.Store(int64(status))
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	w.request.status.CompareAndSwap(0, http.StatusOK)
	done := 0
	for piece := range slices.Chunk(p, 32<<10) {
		w.request.bytes.Add(int64(len(piece))) // before a client that has them can ask
		n, err := w.ResponseWriter.Write(piece)
		w.request.bytes.Add(int64(n - len(piece)))
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
