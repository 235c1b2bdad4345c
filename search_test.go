package imagefs_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store/storetest"
)

// hubAnswer has the shape that https://index.docker.io/v1/search answers with.
const hubAnswer = `{"page_size":25,"num_pages":1,"page":1,"num_results":3,"query":"web","results":[
 {"name":"nginx/unit","description":"short","pull_count":1,"star_count":64,"is_trusted":false,"is_automated":true,"is_official":false},
 {"name":"nginx","description":"Official build of Nginx,\nwhich serves more than fits here.","pull_count":1,"star_count":19000,"is_trusted":false,"is_automated":false,"is_official":true},
 {"name":"wide","description":"日本語の説明は二倍の幅を取るので早く切られるはずです、たぶん","star_count":3},
 {"name":"me/web","description":"","pull_count":1,"star_count":0,"is_trusted":false,"is_automated":false,"is_official":false}
]}`

// searcher is an engine that knows no Docker Hub but this server, which keeps what it was asked last.
func searcher(t *testing.T) (e *imagefs.Engine, asked *string) {
	t.Helper()
	asked = new(string)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = r.URL.String()
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(hubAnswer))
	}))
	t.Cleanup(hub.Close)
	client := registry.New(registry.Options{DockerConfig: t.TempDir(), SearchURL: hub.URL + "/v1/"})
	return imagefs.New(storetest.New(t), client), asked
}

func TestSearch(t *testing.T) {
	e, asked := searcher(t)
	for filter, want := range map[string][]string{
		"":                   {"nginx", "nginx/unit", "wide", "me/web"},
		"stars=64":           {"nginx", "nginx/unit"},
		"is-official=true":   {"nginx"},
		"is-official=false":  {"nginx/unit", "wide", "me/web"},
		"is-automated=true":  {"nginx/unit"},
		"is-automated=false": {"nginx", "wide", "me/web"},
	} {
		req := imagefs.SearchRequest{Term: "some/web"}
		if filter != "" {
			req.Filters, req.Limit = []string{"stars=0", filter}, 7
		}
		found, err := e.Search(t.Context(), req)
		var names []string
		for _, r := range found {
			names = append(names, r.Name)
		}
		if diff := cmp.Diff(want, names); diff != "" || err != nil {
			t.Errorf("%q: %v %s", filter, err, diff)
		}
		limit := map[bool]string{true: "25", false: "7"}[filter == ""]
		if want := "/v1/search?n=" + limit + "&q=some%2Fweb"; *asked != want {
			t.Errorf("asked for %s, want %s", *asked, want)
		}
	}
}

// The tables are those of docker 20.10 for the same answer.
func TestSearchTable(t *testing.T) {
	e, _ := searcher(t)
	found, err := e.Search(t.Context(), imagefs.SearchRequest{Term: "web"})
	if err != nil {
		t.Fatal(err)
	}
	const short = `NAME         DESCRIPTION                                     STARS     OFFICIAL   AUTOMATED
nginx        Official build of Nginx, which serves more t…   19000     [OK]       
nginx/unit   short                                           64                   [OK]
wide         日本語の説明は二倍の幅を取るので早く切られる…                         3                    
me/web                                                       0                    
`
	const long = `NAME         DESCRIPTION                                                  STARS     OFFICIAL   AUTOMATED
nginx        Official build of Nginx, which serves more than fits here.   19000     [OK]       
nginx/unit   short                                                        64                   [OK]
wide         日本語の説明は二倍の幅を取るので早く切られるはずです、たぶん                               3                    
me/web                                                                    0                    
`
	for noTrunc, want := range map[bool]string{false: short, true: long} {
		if diff := cmp.Diff(want, string(imagefs.SearchTable(found, noTrunc))); diff != "" {
			t.Error(diff)
		}
	}
}

// HOST/term asks that registry.
func TestSearchRegistry(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"web", "tools/web", "other"} {
		b.put(name, "1", newImage(t, "a"))
	}
	found, err := b.Search(t.Context(), imagefs.SearchRequest{Term: b.ref("web")})
	if diff := cmp.Diff([]registry.SearchResult{{Name: "tools/web"}, {Name: "web"}}, found); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if found, err = b.Search(t.Context(), imagefs.SearchRequest{Term: b.ref("")}); len(found) != 3 || err != nil {
		t.Errorf("all of it: %v, %v", found, err)
	}
}

func TestSearchFails(t *testing.T) {
	b := newBench(t)
	search := func(term string, limit int, filters ...string) error {
		_, err := b.Search(t.Context(), imagefs.SearchRequest{Term: term, Limit: limit, Filters: filters})
		return err
	}
	checkFailures(t, "search", []failure{
		{"no term", imagefs.Invalid, "the term to search for is missing", search("", 0)},
		{"a scheme", imagefs.Invalid, "invalid repository name", search("https://docker.io/web", 0)},
		{"limit", imagefs.Invalid, "Limit 101 is outside the range of [1, 100]", search("web", 101)},
		{"no value", imagefs.Invalid, "it is not key=value", search("web", 0, "stars")},
		{"unknown filter", imagefs.Invalid, "invalid filter 'x'", search("web", 0, "x=1")},
		{"not a number", imagefs.Invalid, "invalid filter 'stars=many'", search("web", 0, "stars=many")},
		{"not a boolean", imagefs.Invalid, "invalid filter 'is-official=[maybe]'", search("web", 0, "is-official=maybe")},
		{"not listening", imagefs.Refused, "connection refused", search("127.0.0.1:1/web", 0)},
		{"authentication required", imagefs.Denied, "access denied", func() error {
			b.reg.RequireBasic("ann", "s3cret")
			return search(b.ref("web"), 0)
		}()},
	})
}
