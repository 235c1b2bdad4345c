package registrytest

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"

	digest "github.com/opencontainers/go-digest"
)

// upload is a blob on its way to the server (distribution specification, "Pushing blobs"), of which a part is there. The
// answer to each part has a new location, which is relative; an old one is not found.
type upload struct {
	repository string
	data       []byte
}

var uploadPath = regexp.MustCompile(`^/v2/(.+)/blobs/uploads/([^/]*)$`)

// serveUpload answers what is about an upload; false if r is not.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) bool {
	match := uploadPath.FindStringSubmatch(r.URL.Path)
	if match == nil {
		return false
	}
	repository, id := match[1], match[2]
	if id == "" && r.Method == http.MethodPost {
		s.begin(w, r, repository)
		return true
	}
	s.mu.Lock()
	up := s.uploads[id]
	s.mu.Unlock()
	switch {
	case up == nil || up.repository != repository:
		Error(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown")(s, w, r)
	case r.Method == http.MethodGet:
		s.accept(w, repository, id, http.StatusNoContent)
	case r.Method == http.MethodPatch:
		s.take(w, r, id)
	case r.Method == http.MethodPut:
		s.finish(w, r, id)
	case r.Method == http.MethodDelete:
		s.forget(id)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
	return true
}

// begin mounts a blob, or stores one whole, or makes an upload.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, repository string) {
	query := r.URL.Query()
	if d := query.Get("digest"); d != "" {
		data, _ := io.ReadAll(r.Body)
		s.store(w, r, repository, d, data)
		return
	}
	if data := s.blob(query.Get("from"), query.Get("mount")); data != nil {
		s.store(w, r, repository, query.Get("mount"), data)
		return
	}
	id := rand.Text()
	s.mu.Lock()
	s.uploads[id] = &upload{repository: repository}
	s.mu.Unlock()
	s.accept(w, repository, id, http.StatusAccepted)
}

// accept tells how much of an upload there is, and where it goes on.
func (s *Server) accept(w http.ResponseWriter, repository, id string, status int) {
	s.mu.Lock()
	size := len(s.uploads[id].data)
	s.mu.Unlock()
	w.Header().Set("Location", "/v2/"+repository+"/blobs/uploads/"+id)
	w.Header().Set("Range", "0-"+strconv.Itoa(max(0, size-1)))
	w.WriteHeader(status)
}

// take appends to an upload what comes, even of a request that breaks off.
func (s *Server) take(w http.ResponseWriter, r *http.Request, id string) {
	var start int
	s.mu.Lock()
	up := s.uploads[id]
	have := len(up.data)
	s.mu.Unlock()
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "%d-", &start); start != have || have > 0 && err != nil {
		Error(http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", "blob upload invalid")(s, w, r)
		return
	}
	data, err := io.ReadAll(r.Body)
	s.mu.Lock()
	up.data = append(up.data, data...)
	next := id
	if err == nil {
		next = rand.Text()
		s.uploads[next] = up
		delete(s.uploads, id)
	}
	s.mu.Unlock()
	s.accept(w, up.repository, next, http.StatusAccepted)
}

func (s *Server) finish(w http.ResponseWriter, r *http.Request, id string) {
	rest, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	up := s.uploads[id]
	s.mu.Unlock()
	s.store(w, r, up.repository, r.URL.Query().Get("digest"), append(append([]byte{}, up.data...), rest...))
	s.forget(id)
}

func (s *Server) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploads, id)
}

// ForgetUploads forgets what has come of blobs that are not whole.
func (s *Server) ForgetUploads() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.uploads)
}

// store is the end of an upload.
func (s *Server) store(w http.ResponseWriter, r *http.Request, repository, want string, data []byte) {
	if digest.FromBytes(data).String() != want {
		Error(http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content")(s, w, r)
		return
	}
	s.hold(repository, want, data)
	w.Header().Set("Location", "/v2/"+repository+"/blobs/"+want)
	w.Header().Set("Docker-Content-Digest", want)
	w.WriteHeader(http.StatusCreated)
}

// Take takes the first n bytes of a request's body, as if no more came, and then resets the connection.
func Take(n int64) Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		part := r.Clone(r.Context())
		part.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, n), errReader{}))
		s.answer(httptest.NewRecorder(), part)
		hangUp(w, true)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Lose does what is asked and then resets the connection, so that nobody learns of it.
func Lose() Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		s.answer(httptest.NewRecorder(), r)
		hangUp(w, true)
	}
}
