package registry

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/registry/registrytest"
)

// hubAnswer has the shape that https://index.docker.io/v1/search answers with.
const hubAnswer = `{
  "page_size": 25, "num_pages": 1, "page": 1, "num_results": 2, "query": "alpine",
  "results": [
    {"name": "alpine", "description": "A minimal Docker image", "pull_count": 10000000, "star_count": 11000,
     "is_trusted": false, "is_automated": false, "is_official": true},
    {"name": "grafana/alpine", "description": "", "pull_count": 5, "star_count": 2,
     "is_trusted": false, "is_automated": true, "is_official": false}
  ]
}`

var hubResults = []SearchResult{
	{Name: "alpine", Description: "A minimal Docker image", Stars: 11000, Official: true},
	{Name: "grafana/alpine", Stars: 2, Automated: true},
}

// startHub is a search service, which fails first.
func startHub(t *testing.T) (url string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.String())
		if len(*asked) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(hubAnswer))
	}))
	t.Cleanup(hub.Close)
	return hub.URL + "/v1/", asked
}

func TestSearchHub(t *testing.T) {
	url, asked := startHub(t)
	got, err := newClient(t, Options{SearchURL: url}).Search(t.Context(), "docker.io", "alpine linux", 7)
	if diff := cmp.Diff(hubResults, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if want := "/v1/search?n=7&q=alpine+linux"; (*asked)[1] != want {
		t.Errorf("asked for %s, want %s", (*asked)[1], want)
	}
	for _, url := range []string{"index.docker.io", "ftp://index.docker.io/", "https://ann:s3cret@index.docker.io/"} {
		_, err := newClient(t, Options{SearchURL: url}).Search(t.Context(), "docker.io", "x", 7)
		if !errors.Is(err, ErrUnsupported) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestSearchHubFails(t *testing.T) {
	reg := registrytest.New(t)
	reg.Next(registrytest.Always, "", registrytest.Status(200, "<html>"))
	_, err := newClient(t, Options{SearchURL: reg.URL + "/v1/"}).Search(t.Context(), "docker.io", "x", 7)
	if !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "search for x: not the result of a search") {
		t.Errorf("got %v", err)
	}
}

// A registry is asked as docker does, and for its catalog if it does not understand.
func TestSearchRegistry(t *testing.T) {
	reg := registrytest.New(t)
	for _, name := range []string{"web", "tools/web", "web-2", "other"} {
		reg.PutImage(name, "1.0", []byte("{}"))
	}
	c := newClient(t, Options{})
	for limit, want := range map[int][]SearchResult{
		25: {{Name: "tools/web"}, {Name: "web"}, {Name: "web-2"}},
		1:  {{Name: "tools/web"}},
	} {
		got, err := c.Search(t.Context(), reg.Host, "web", limit)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
	reg.Next(1, "/v1/search", registrytest.Status(200, hubAnswer))
	got, err := c.Search(t.Context(), reg.Host, "alpine", 25)
	if diff := cmp.Diff(hubResults, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestSearchCatalogPages(t *testing.T) {
	reg := registrytest.New(t)
	reg.Next(1, "_catalog", registrytest.Status(200, `{"repositories":["web/b","x"]}`, "Link", `</v2/_catalog?last=x&n=2>; rel="next"`))
	reg.Next(1, "_catalog", registrytest.Reset(-1))
	reg.Next(1, "_catalog", registrytest.Status(200, `{"repositories":["web/a"]}`, "Link", `</v2/_catalog?last=web>; rel="next"`))
	reg.Next(1, "_catalog", registrytest.Status(200, `{"repositories":null}`))
	got, err := newClient(t, Options{}).Search(t.Context(), reg.Host, "web", 25)
	if diff := cmp.Diff([]SearchResult{{Name: "web/a"}, {Name: "web/b"}}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// Few registries show their catalog to anybody.
func TestSearchDenied(t *testing.T) {
	reg := registrytest.New(t)
	reg.RequireBasic("ann", "s3cret")
	_, err := newClient(t, Options{}).Search(t.Context(), reg.Host, "web", 25)
	if !errors.Is(err, ErrUnauthorized) || !strings.HasPrefix(err.Error(), reg.Host+": search for web: access denied") {
		t.Errorf("got %v", err)
	}
	c := newClient(t, Options{DockerConfig: auths(t, reg.Host, "ann", "s3cret")})
	if _, err := c.Search(t.Context(), reg.Host, "web", 25); err != nil {
		t.Error(err)
	}
}

// Some registries deny what they do not know, and some answer with more than was asked for.
func TestSearchDeniedNotCatalog(t *testing.T) {
	reg := registrytest.New(t)
	reg.PutImage("web", "1.0", []byte("{}"))
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		reg.Next(registrytest.Always, "/v1/search", registrytest.Status(status, ""))
		got, err := newClient(t, Options{}).Search(t.Context(), reg.Host, "web", 25)
		if diff := cmp.Diff([]SearchResult{{Name: "web"}}, got); diff != "" || err != nil {
			t.Errorf("%d: %v %s", status, err, diff)
		}
	}
}

func TestSearchLimit(t *testing.T) {
	reg := registrytest.New(t)
	reg.Next(registrytest.Always, "/v1/search", registrytest.Status(200, hubAnswer))
	c := newClient(t, Options{SearchURL: reg.URL + "/v1/"})
	for _, host := range []string{reg.Host, "docker.io"} {
		if got, err := c.Search(t.Context(), host, "alpine", 1); len(got) != 1 || err != nil {
			t.Errorf("%s: %v, %v", host, got, err)
		}
	}
}
