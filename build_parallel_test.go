package imagefs_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/dockerfile"
)

// fileServer serves files of which each is its own name. A file waits for those that it is said to be after, if that is
// anybody; "never" for one that does not come until its reader has gone.
type fileServer struct {
	*httptest.Server
	asked map[string]chan struct{} // closed by the first request
	after map[string]string
}

func newFileServer(t *testing.T, after map[string]string) *fileServer {
	s := &fileServer{asked: map[string]chan struct{}{}, after: after}
	for _, name := range []string{"one", "two", "three"} {
		s.asked[name] = make(chan struct{})
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *fileServer) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.Trim(r.URL.Path, "/")
	close(s.asked[name])
	if other := s.after[name]; other != "" {
		select {
		case <-s.asked[other]: // nil, and for ever, for "never"
		case <-r.Context().Done():
			return
		case <-time.After(10 * time.Second):
			http.Error(w, other+" does not come", http.StatusConflict)
			return
		}
	}
	_, _ = w.Write([]byte(name))
}

// twoStages fetches a file in each of two stages.
const twoStages = `FROM scratch AS first
ADD %[1]s/one /
LABEL stage=first
FROM scratch AS second
ADD %[1]s/two /
FROM first
COPY --from=second /two /
`

// TestBuildInParallel has a stage wait for what another does, this way and that way round: what is told and what is made are
// the same.
func TestBuildInParallel(t *testing.T) {
	b := newBench(t)
	epoch := time.Unix(1600000000, 0)
	var ids []string
	for _, after := range []map[string]string{{"one": "two"}, {"two": "one"}} {
		s := newFileServer(t, after)
		text := fmt.Sprintf(twoStages, s.URL)
		img, r := b.mustBuild(newContext(t, text), imagefs.BuildRequest{Epoch: &epoch, NoCache: true})
		shows(t, r, "Step 1/7 : FROM scratch AS first", " ---> ", "Step 2/7 : ADD "+s.URL+"/one /", " ---> ID",
			"Step 3/7 : LABEL stage=first", " ---> ID", "Step 4/7 : FROM scratch AS second", " ---> ",
			"Step 5/7 : ADD "+s.URL+"/two /", " ---> ID", "Step 6/7 : FROM first", " ---> ID",
			"Step 7/7 : COPY --from=second /two /", " ---> ID", "Successfully built ID")
		if diff := cmp.Diff([]string{"one 600 0:0 one", "two 600 0:0 two"}, b.files(img)); diff != "" {
			t.Error(diff)
		}
		for _, chain := range img.Chains {
			ids = append(ids, chain.DiffID.String())
		}
	}
	if !slices.Equal(ids[:2], ids[2:]) {
		t.Errorf("layers %q", ids)
	}
}

// TestBuildFailsInParallel has a stage fail while the one before it waits for ever.
func TestBuildFailsInParallel(t *testing.T) {
	b := newBench(t)
	s := newFileServer(t, map[string]string{"one": "never", "two": "one"})
	dir := newContext(t, fmt.Sprintf(`FROM scratch AS first
ENV A=b
ADD %[1]s/one /
FROM scratch AS second
ADD %[1]s/two /
COPY nope /
FROM first
COPY --from=second /two /
`, s.URL))
	_, r, err := b.tryBuild(dir, imagefs.BuildRequest{})
	var place *dockerfile.Error
	if !errors.As(err, &place) || place.Line != 6 || imagefs.KindOf(err) != imagefs.NotFound {
		t.Fatalf("%v", err)
	}
	// Of the first stage there is what it came to.
	r.lines = slices.DeleteFunc(r.lines, func(line string) bool { return strings.HasPrefix(line, "Step 3/8") })
	shows(t, r, "Step 1/8 : FROM scratch AS first", " ---> ", "Step 2/8 : ENV A=b", " ---> ID",
		"Step 4/8 : FROM scratch AS second", " ---> ", "Step 5/8 : ADD "+s.URL+"/two /", " ---> ID", "Step 6/8 : COPY nope /")
	stacks := make([]byte, 1<<20)
	if stacks = stacks[:runtime.Stack(stacks, true)]; strings.Contains(string(stacks), "imagefs.(*build") {
		t.Errorf("somebody is still at work:\n%s", stacks)
	}
}

// TestBuildTriggersInParallel has triggers of two bases name stages that nothing in the Dockerfile needs.
func TestBuildTriggersInParallel(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"x", "y"} {
		text := "FROM scratch\nONBUILD COPY --from=" + name + " /f /" + name + "\n"
		b.mustBuild(newContext(t, text), imagefs.BuildRequest{Tags: []string{"base" + name}})
	}
	const text = `FROM scratch AS y
COPY %s /f
FROM scratch AS x
COPY b.txt /f
FROM basex AS one
FROM basey AS two
FROM scratch
COPY --from=one /x /
COPY --from=two /y /
`
	dir := newContext(t, fmt.Sprintf(text, "a.txt"))
	for range 3 {
		_, r := b.mustBuild(dir, imagefs.BuildRequest{NoCache: true})
		shows(t, r, "Step 1/5 : FROM basex AS one", " ---> ID", "# Executing 1 build trigger",
			"Step 2/7 : FROM scratch AS x", " ---> ", "Step 3/7 : COPY b.txt /f", " ---> ID", " ---> ID",
			"Step 4/7 : FROM basey AS two", " ---> ID", "# Executing 1 build trigger",
			"Step 5/9 : FROM scratch AS y", " ---> ", "Step 6/9 : COPY a.txt /f", " ---> ID", " ---> ID",
			"Step 7/9 : FROM scratch", " ---> ", "Step 8/9 : COPY --from=one /x /", " ---> ID",
			"Step 9/9 : COPY --from=two /y /", " ---> ID", "Successfully built ID")
	}
	_, r, err := b.tryBuild(newContext(t, fmt.Sprintf(text, "nope")), imagefs.BuildRequest{})
	var place *dockerfile.Error
	if !errors.As(err, &place) || place.Line != 2 || !strings.HasSuffix(r.lines[len(r.lines)-1], " : COPY nope /f") {
		t.Errorf("%v, %q", err, r.lines) // of the stage before it, as much as came before the failure
	}
}

// TestBuildSharesSteps has stages of the same instructions: what one of them has made is in the cache for those that come
// after it in the Dockerfile.
func TestBuildSharesSteps(t *testing.T) {
	b := newBench(t)
	for try := range 3 {
		var text strings.Builder
		for i := range 4 {
			fmt.Fprintf(&text, "FROM scratch AS s%d\nENV TRY=%d\nCOPY dir /\n", i, try)
		}
		text.WriteString("FROM scratch\n")
		for i := range 4 {
			fmt.Fprintf(&text, "COPY --from=s%d /one /%d\n", i, i)
		}
		_, r := b.mustBuild(newContext(t, text.String()), imagefs.BuildRequest{})
		var got []int
		for i, line := range r.lines {
			if line == " ---> Using cache" {
				got = append(got, i)
			}
		}
		if want := []int{9, 12, 17, 20, 25, 28}; !slices.Equal(got[:min(6, len(got))], want) {
			t.Fatalf("%v", r.lines)
		}
	}
}
