package registrytest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// get asks for a path as curl would.
func get(t *testing.T, s *Server, path, byteRange string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if byteRange != "" {
		req.Header.Set("Range", byteRange)
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func TestBehaviors(t *testing.T) {
	const content = "0123456789"
	released := make(chan struct{})
	close(released)
	for name, tc := range map[string]struct {
		behavior  Behavior
		byteRange string
		status    int
		body      string
		err       error
	}{
		"right":          {nil, "", 200, content, nil},
		"right, a range": {nil, "bytes=3-9", 206, "3456789", nil},
		"Status":         {Status(503, "busy"), "", 503, "busy", nil},
		"Error":          {Error(404, "X", "y"), "", 404, `{"errors":[{"code":"X","message":"y"}]}`, nil},
		"Cut":            {Cut(4), "", 200, "0123", io.ErrUnexpectedEOF},
		"Cut, a range":   {Cut(4), "bytes=3-9", 206, "3456", io.ErrUnexpectedEOF},
		"Reset":          {Reset(-1), "", 0, "", syscall.ECONNRESET},
		"Truncate":       {Truncate(5), "bytes=3-9", 206, "34", io.ErrUnexpectedEOF},
		"Truncate, gone": {Truncate(2), "bytes=3-9", 206, "", io.ErrUnexpectedEOF},
		"Hold":           {Hold(4, released), "", 200, content, nil},
		"Hold, all":      {Hold(-1, released), "", 200, content, nil},
		"IgnoreRange":    {IgnoreRange(), "bytes=3-9", 200, content, nil},
		"Flip":           {Flip(4), "bytes=3-9", 206, "3556789", nil},
		"Redirect":       {Redirect("http://127.0.0.1:1"), "", 307, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(t)
			desc := s.PutBlob("app", ocispec.MediaTypeImageLayer, []byte(content))
			path := "/v2/app/blobs/" + desc.Digest.String()
			if tc.behavior != nil {
				s.Next(1, "GET /v2/app/blobs/", tc.behavior)
			}
			status, body, err := get(t, s, path, tc.byteRange)
			if status != tc.status || !errors.Is(err, tc.err) || (status != 307 && body != tc.body) {
				t.Errorf("got %d %q %v", status, body, err)
			}
			if status, body, err := get(t, s, path, ""); status != 200 || body != content || err != nil {
				t.Errorf("the next request: %d %q %v", status, body, err)
			}
			if n := s.Count("/blobs/"); n != 2 {
				t.Errorf("%d requests were counted", n)
			}
		})
	}
}

// A stalled request neither outlives the server nor keeps it from closing.
func TestStallEnds(t *testing.T) {
	s := New(t)
	desc := s.PutBlob("app", "", []byte("0123456789"))
	s.Next(Always, "", Stall(4))
	resp, err := http.Get(s.URL + "/v2/app/blobs/" + desc.Digest.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if rest, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("a stalled answer was whole, with %q", rest)
	}
}

func TestLogins(t *testing.T) {
	s := New(t)
	s.RequireBasic("ann", "s3cret")
	if status, body, _ := get(t, s, "/v2/", ""); status != 401 || !strings.Contains(body, "UNAUTHORIZED") {
		t.Errorf("got %d %s", status, body)
	}
	s.RequireToken("", "")
	if status, _, _ := get(t, s, "/v2/", ""); status != 401 {
		t.Errorf("got %d", status)
	}
	if status, body, _ := get(t, s, "/token", ""); status != 200 || !strings.Contains(body, `"token"`) {
		t.Errorf("got %d %s", status, body)
	}
}
