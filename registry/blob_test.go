package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry/registrytest"
)

const blobs = "GET /v2/app/blobs/"

func TestBlobFromOffset(t *testing.T) {
	reg := registrytest.New(t)
	desc, data := putNoise(reg, 100_000)
	c := newClient(t, Options{})
	for _, offset := range []int64{0, 1, 99_999, 100_000} {
		got, err := readBlob(t, c, reg, desc, offset)
		if err != nil || !bytes.Equal(got, data[offset:]) {
			t.Errorf("from %d: %d bytes, %v", offset, len(got), err)
		}
	}
	if _, err := readBlob(t, c, reg, desc, 100_001); err == nil {
		t.Error("an offset behind the end was accepted")
	}
	if n := reg.Count(blobs); n != 3 {
		t.Errorf("%d requests, want none for the empty rest", n)
	}
}

func TestBlobSurvives(t *testing.T) {
	busy := func(status int) registrytest.Behavior {
		return registrytest.Error(status, "TOOMANYREQUESTS", "slow down")
	}
	for name, rules := range map[string]func(*registrytest.Server){
		"reset before the answer": func(s *registrytest.Server) { s.Next(3, blobs, registrytest.Reset(-1)) },
		"reset after the header":  func(s *registrytest.Server) { s.Next(3, blobs, registrytest.Reset(0)) },
		"resets in the body":      func(s *registrytest.Server) { s.Next(12, blobs, registrytest.Reset(10_000)) },
		"cuts in the body":        func(s *registrytest.Server) { s.Next(12, blobs, registrytest.Cut(10_000)) },
		"stall in the body":       func(s *registrytest.Server) { s.Next(2, blobs, registrytest.Stall(10_000)) },
		"stall before the answer": func(s *registrytest.Server) { s.Next(1, blobs, registrytest.Stall(-1)) },
		"ignores the range": func(s *registrytest.Server) {
			s.Next(1, blobs, registrytest.Reset(100_000))
			s.Next(1, blobs, registrytest.IgnoreRange())
		},
		"refuses the range": func(s *registrytest.Server) {
			s.Next(1, blobs, registrytest.Reset(100_000))
			s.Next(1, blobs, registrytest.Status(http.StatusRequestedRangeNotSatisfiable, ""))
		},
		"429 and 503": func(s *registrytest.Server) {
			s.Next(3, blobs, busy(429))
			s.Next(1, blobs, registrytest.Reset(10_000))
			s.Next(3, blobs, busy(503))
		},
		"500, 502, 504": func(s *registrytest.Server) {
			s.Next(1, blobs, busy(500))
			s.Next(1, blobs, busy(502))
			s.Next(1, blobs, registrytest.Status(504, "<html>", "Content-Type", "text/html"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, start := range []func(testing.TB) *registrytest.Server{registrytest.New, registrytest.NewTLS} {
				reg := start(t)
				desc, data := putNoise(reg, 200_000)
				rules(reg)
				wantBlob(t, newClient(t, Options{StallTimeout: testStall}), reg, desc, data)
			}
		})
	}
}

// A server that ignores ranges sends all of it again, and nothing of that is given twice.
func TestBlobSkips(t *testing.T) {
	reg := registrytest.New(t)
	desc, data := putNoise(reg, 3<<20)
	reg.Next(1, blobs, registrytest.Cut(2<<20))
	reg.Next(registrytest.Always, blobs, registrytest.IgnoreRange())
	wantBlob(t, newClient(t, Options{}), reg, desc, data)
	got, err := readBlob(t, newClient(t, Options{}), reg, desc, 1<<20)
	if err != nil || !bytes.Equal(got, data[1<<20:]) {
		t.Errorf("from an offset: %d bytes, %v", len(got), err)
	}
}

func TestBlobAsksOnlyForTheRest(t *testing.T) {
	reg := registrytest.New(t)
	desc, data := putNoise(reg, 100_000)
	reg.Next(1, blobs, registrytest.Cut(60_000))
	wantBlob(t, newClient(t, Options{}), reg, desc, data)
	if n := reg.Bytes(blobs); n != 100_000 {
		t.Errorf("%d bytes were sent, want each once", n)
	}
	asked := reg.Requests(blobs)
	if got := asked[1].Header.Get("Range"); got != "bytes=60000-99999" {
		t.Errorf("asked for %q", got)
	}
}

func TestBlobGivesUp(t *testing.T) {
	for name, tc := range map[string]struct {
		behavior registrytest.Behavior
		want     error
		words    string
	}{
		"cut for good":       {registrytest.Truncate(5000), ErrTruncated, "ended at byte 5000 of 20000"},
		"503 for good":       {registrytest.Error(503, "UNAVAILABLE", "down for today"), ErrUnavailable, "down for today"},
		"reset for good":     {registrytest.Reset(-1), syscall.ECONNRESET, "reset"},
		"unknown":            {registrytest.Error(404, "BLOB_UNKNOWN", "blob unknown to registry"), ErrNotFound, "not found: blob unknown: blob unknown to registry"},
		"denied":             {registrytest.Error(403, "DENIED", "not yours"), ErrDenied, "denied: not yours"},
		"unauthorized":       {registrytest.Error(401, "UNAUTHORIZED", "who are you"), ErrUnauthorized, "pull access denied"},
		"a web page":         {registrytest.Status(200, "<html>", "Content-Type", "text/html"), ErrProtocol, "a web page"},
		"a part, unnamed":    {registrytest.Status(206, "xyz"), ErrProtocol, "Content-Range"},
		"a part, further on": {registrytest.Status(206, "xyz", "Content-Range", "bytes 3-5/20000"), ErrProtocol, "begins at byte 3"},
		"bad request":        {registrytest.Error(405, "UNSUPPORTED", "no"), ErrProtocol, "405"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t)
			desc, _ := putNoise(reg, 20_000)
			reg.Next(registrytest.Always, blobs, tc.behavior)
			_, err := readBlob(t, newClient(t, Options{}), reg, desc, 0)
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			for _, word := range []string{tc.words, reg.Host} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
		})
	}
}

// A registry that stalls for good costs about two timeouts, in the header as in the body.
func TestBlobDeadStall(t *testing.T) {
	for name, behavior := range map[string]registrytest.Behavior{
		"no answer": registrytest.Stall(-1),
		"no body":   registrytest.Stall(0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t)
			desc, _ := putNoise(reg, 20_000)
			reg.Next(registrytest.Always, blobs, behavior)
			began := time.Now()
			_, err := readBlob(t, newClient(t, Options{StallTimeout: testStall}), reg, desc, 0)
			if !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), reg.Host) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took < 2*testStall || took > 5*testStall {
				t.Errorf("took %v, want about %v", took, 2*testStall)
			}
		})
	}
}

// A reader that does not read is no stall of the registry's.
func TestBlobSlowReader(t *testing.T) {
	reg := registrytest.New(t)
	desc, data := putNoise(reg, 8<<20)
	c := newClient(t, Options{StallTimeout: testStall})
	body, err := c.Blob(t.Context(), parse(t, reg.Host+"/app"), desc, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	first := make([]byte, 1000)
	if _, err := io.ReadFull(body, first); err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * testStall)
	rest, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(append(first, rest...), data) {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
	if n := reg.Count(blobs); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestBlobParallel(t *testing.T) {
	reg := registrytest.New(t)
	desc, data := putNoise(reg, 10_000)
	release := make(chan struct{})
	reg.Next(registrytest.Always, blobs, registrytest.Hold(100, release))
	c := newClient(t, Options{Parallel: 2})
	var open []io.ReadCloser
	for range 2 {
		body, err := c.Blob(t.Context(), parse(t, reg.Host+"/app"), desc, 0)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Blob(ctx, parse(t, reg.Host+"/app"), desc, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third download: %v", err)
	}
	open[0].Close()
	open[0].Close() // gives back one place, not two
	close(release)
	got, err := io.ReadAll(open[1])
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	open[1].Close()
	if n := len(c.slots); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
	wantBlob(t, c, reg, desc, data)
}

// A registry that is restarted in the middle of a download answers nothing for a while.
func TestBlobRegistryComesBack(t *testing.T) {
	reg := registrytest.New(t)
	desc, data := putNoise(reg, 20_000)
	c := newClient(t, Options{})
	body, err := c.Blob(t.Context(), parse(t, reg.Host+"/app"), desc, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	b := body.(*blob)
	b.drop()
	failures := &flaky{RoundTripper: c.transport, errs: slices.Repeat([]error{syscall.ECONNREFUSED}, 5)}
	c.transport = failures
	t.Cleanup(func() { c.transport = failures.RoundTripper })
	got, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if len(failures.errs) != 0 {
		t.Errorf("%d errors are left", len(failures.errs))
	}
}

// flaky fails as errs say, and then works.
type flaky struct {
	http.RoundTripper
	errs []error
}

func (f *flaky) RoundTrip(req *http.Request) (*http.Response, error) {
	if len(f.errs) == 0 {
		return f.RoundTripper.RoundTrip(req)
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func TestBlobNoSuchDigest(t *testing.T) {
	desc := ocispec.Descriptor{Digest: digest.Digest("md5:../../x"), Size: 10}
	_, err := newClient(t, Options{}).Blob(t.Context(), parse(t, "localhost/app"), desc, 0)
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkBlob(b *testing.B) {
	reg := registrytest.New(b)
	desc, _ := putNoise(reg, 256<<20)
	ref := parse(b, reg.Host+"/app")
	c := New(Options{})
	b.SetBytes(desc.Size)
	for b.Loop() {
		body, err := c.Blob(b.Context(), ref, desc, 0)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, body); err != nil || n != desc.Size {
			b.Fatal(n, err)
		}
		body.Close()
	}
}
