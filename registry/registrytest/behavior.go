package registrytest

import (
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// Behavior answers a request.
type Behavior func(s *Server, w http.ResponseWriter, r *http.Request)

// Status answers with a status, a body, and headers given as name, value, name, value, …
func Status(code int, body string, header ...string) Behavior {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		w.Write([]byte(body))
	}
}

// Error answers with a status and an error of the distribution specification.
func Error(status int, code, message string) Behavior {
	body := `{"errors":[{"code":` + strconv.Quote(code) + `,"message":` + strconv.Quote(message) + `}]}`
	return Status(status, body, "Content-Type", "application/json")
}

// Reset sends the first n bytes of the right answer's body and then resets the connection; it does not answer at all if
// n is negative.
func Reset(n int64) Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		s.sendPart(w, r, n)
		hangUp(w, true)
	}
}

// Cut is [Reset] with an orderly end of the connection.
func Cut(n int64) Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		s.sendPart(w, r, n)
		hangUp(w, false)
	}
}

// Truncate answers as if the body, of which a range may be asked for, ended after its first n bytes, whatever its
// header promises.
func Truncate(n int64) Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		s.sendPart(w, r, max(0, n-rangeStart(r)))
		hangUp(w, false)
	}
}

// Stall sends the first n bytes of the right answer's body and then nothing, until the client or the server goes away.
// It does not answer at all if n is negative.
func Stall(n int64) Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		s.sendPart(w, r, n)
		s.wait(r, nil)
	}
}

// Hold sends the first n bytes of the right answer's body, and the rest after release is closed. It does not answer
// before if n is negative.
func Hold(n int64, release <-chan struct{}) Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		sent := s.sendPart(w, r, n)
		if !s.wait(r, release) {
			return
		}
		right := s.record(r)
		if n < 0 {
			writeHeader(w, right)
		}
		w.Write(right.Body.Bytes()[sent:])
	}
}

// IgnoreRange answers with the whole body.
func IgnoreRange() Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Range")
		s.answer(w, r)
	}
}

// Flip answers with one bit changed in byte n of the body.
func Flip(n int64) Behavior {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		right := s.record(r)
		body := right.Body.Bytes()
		if at := n - rangeStart(r); 0 <= at && at < int64(len(body)) {
			body = append([]byte(nil), body...)
			body[at] ^= 1
		}
		writeHeader(w, right)
		w.Write(body)
	}
}

// Redirect sends the client to the same path on another server, base, such as "http://127.0.0.1:34567", with a query
// that must stay secret.
func Redirect(base string) Behavior {
	return func(_ *Server, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, base+r.URL.Path+"?signature=secret", http.StatusTemporaryRedirect)
	}
}

// record is the right answer.
func (s *Server) record(r *http.Request) *httptest.ResponseRecorder {
	right := httptest.NewRecorder()
	s.answer(right, r)
	return right
}

// sendPart sends the header, and n bytes of the body, of the right answer; nothing if n is negative.
func (s *Server) sendPart(w http.ResponseWriter, r *http.Request, n int64) (sent int) {
	if n < 0 {
		return 0
	}
	right := s.record(r)
	body := right.Body.Bytes()
	writeHeader(w, right)
	sent, _ = w.Write(body[:min(n, int64(len(body)))])
	http.NewResponseController(w).Flush()
	return sent
}

func writeHeader(w http.ResponseWriter, right *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), right.Header())
	w.Header().Set("Content-Length", strconv.Itoa(right.Body.Len()))
	w.WriteHeader(right.Code)
}

// wait waits until release is closed, and tells whether it was: the client or the server may go away first.
func (s *Server) wait(r *http.Request, release <-chan struct{}) bool {
	select {
	case <-release:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	return false
}

// hangUp ends the connection, with a reset or in order.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the stream is reset
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		tcp.SetLinger(0)
	}
	conn.Close()
}

func rangeStart(r *http.Request) int64 {
	var start int64
	value := r.Header.Get("Range")
	for _, digit := range value[min(len(value), len("bytes=")):] {
		if digit < '0' || digit > '9' {
			break
		}
		start = start*10 + int64(digit-'0')
	}
	return start
}
