package registry

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/imagefs/imagefs/registry/registrytest"
)

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999999999999999": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
	} {
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func TestParseWords(t *testing.T) {
	for body, want := range map[string][2]string{
		`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`:           {"MANIFEST_UNKNOWN", "manifest unknown"},
		`{"errors":[{"code":"NAME_UNKNOWN","message":"no such thing"},{"code":"OTHER"}]}`: {"NAME_UNKNOWN", "name unknown: no such thing"},
		`{"errors":[{"message":"only words"}]}`:                                           {"", "only words"},
		`{"errors":[]}`:                                                                   {"", ""},
		`{"details":"incorrect\u001b[31m password\n"}`:                                    {"", "incorrect [31m password"},
		`{"error":"x","error_description":"bad grant"}`:                                   {"", "bad grant"},
		`{"message":"` + strings.Repeat("é", 400) + `"}`:                                  {"", strings.Repeat("é", 300) + "…"},
		`<html>`:         {"", ""},
		`{"errors":"x"}`: {"", ""},
	} {
		if code, words := parseWords([]byte(body)); code != want[0] || words != want[1] {
			t.Errorf("%s: %q, %q", body, code, words)
		}
	}
}

// Retry-After is obeyed for longer than attempts would last, and no longer than there is patience.
func TestRetryAfter(t *testing.T) {
	reg := registrytest.New(t)
	want := reg.PutImage("app", "1.0", []byte("{}"))
	reg.Next(1, manifests, registrytest.Status(429, "", "Retry-After", "1"))
	c := newClient(t, Options{})
	began := time.Now()
	m, err := c.Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
	if err != nil || m.Descriptor.Digest != want.Digest {
		t.Errorf("got %v, %v", m.Descriptor, err)
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("came back after %v", took)
	}
	reg.Next(registrytest.Always, manifests, registrytest.Status(503, "", "Retry-After", "3600"))
	c.patience = 50 * time.Millisecond
	began = time.Now()
	_, err = c.Manifest(t.Context(), parse(t, reg.Host+"/app:1.0"))
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took < c.patience || took > time.Second {
		t.Errorf("gave up after %v", took)
	}
	if n := reg.Count(manifests); n != 4 {
		t.Errorf("%d requests, want a last one after the wait", n)
	}
}

func TestPatience(t *testing.T) {
	if c := New(Options{}); c.patience != time.Minute {
		t.Errorf("waits for %v", c.patience)
	}
}

func TestBackoff(t *testing.T) {
	a := &attempts{pause: 100 * time.Millisecond}
	for i, limit := range []time.Duration{100, 200, 400, 800, 1600, 3200, 5000, 5000} {
		a.failed[busy] = i + 1
		limit *= time.Millisecond
		if got := a.backoff(); got < limit/2 || got > limit {
			t.Errorf("%d failures: %v", i+1, got)
		}
	}
}
