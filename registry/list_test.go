package registry

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/imagefs/imagefs/registry/registrytest"
)

func TestTags(t *testing.T) {
	reg := registrytest.New(t)
	for _, tag := range []string{"b", "a", "c"} {
		reg.PutImage("app", tag, []byte("{}"))
	}
	got, err := newClient(t, Options{}).Tags(t.Context(), parse(t, reg.Host+"/app:whatever"))
	if err != nil || !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = newClient(t, Options{}).Tags(t.Context(), parse(t, reg.Host+"/other"))
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "repository "+reg.Host+"/other not found") {
		t.Errorf("got %v", err)
	}
}

// pages serves tags one a page; the page of each tag in trouble fails once.
func pages(tags []string, trouble ...string) registrytest.Behavior {
	return func(s *registrytest.Server, w http.ResponseWriter, r *http.Request) {
		i := slices.Index(tags, r.URL.Query().Get("last")) + 1
		if j := slices.Index(trouble, tags[i]); j >= 0 {
			trouble = slices.Delete(trouble, j, j+1)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if i+1 < len(tags) {
			w.Header().Set("Link", fmt.Sprintf(`</v2/app/tags/list?last=%s>; rel="next"`, tags[i]))
		}
		fmt.Fprintf(w, `{"name":"app","tags":[%q]}`, tags[i])
	}
}

func TestTagsPages(t *testing.T) {
	reg := registrytest.New(t)
	reg.RequireToken("", "")
	tags := []string{"e", "d", "c", "b", "a"}
	reg.Next(registrytest.Always, "tags/list", pages(tags, "d", "a"))
	got, err := newClient(t, Options{}).Tags(t.Context(), parse(t, reg.Host+"/app"))
	if err != nil || !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("got %v, %v", got, err)
	}
	if n := reg.Count("tags/list"); n != 8 { // five, two again, and one for the token
		t.Errorf("%d requests", n)
	}
}

func TestTagsFails(t *testing.T) {
	for name, tc := range map[string]struct {
		behavior registrytest.Behavior
		want     error
	}{
		"leads elsewhere":  {registrytest.Status(200, `{"tags":["a"]}`, "Link", `<http://example.com/v2/>; rel="next"`), ErrProtocol},
		"leads in circles": {registrytest.Status(200, `{"tags":["a"]}`, "Link", `</v2/app/tags/list>; rel=next`), ErrProtocol},
		"a web page":       {registrytest.Status(200, `<html>`), ErrProtocol},
		"denied":           {registrytest.Error(403, "DENIED", "no"), ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			reg := registrytest.New(t)
			reg.Next(registrytest.Always, "tags/list", tc.behavior)
			_, err := newClient(t, Options{}).Tags(t.Context(), parse(t, reg.Host+"/app"))
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), reg.Host) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTagsNone(t *testing.T) {
	reg := registrytest.New(t)
	reg.Next(1, "tags/list", registrytest.Status(200, `{"name":"app","tags":null}`))
	got, err := newClient(t, Options{}).Tags(t.Context(), parse(t, reg.Host+"/app"))
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}
