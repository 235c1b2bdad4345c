package imagefs_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
)

// stepRecord keeps what a build tells of each of its steps.
type stepRecord struct {
	mu    sync.Mutex
	steps map[imagefs.BuildStep][]imagefs.StepReport
	total int
}

func (r *stepRecord) Line(string)                 {}
func (r *stepRecord) Layer(imagefs.LayerProgress) {}

func (r *stepRecord) Step(s imagefs.StepReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.steps == nil {
		r.steps = map[imagefs.BuildStep][]imagefs.StepReport{}
	}
	r.steps[s.BuildStep] = append(r.steps[s.BuildStep], s)
	r.total = max(r.total, s.Steps)
}

var builtID = regexp.MustCompile(`built [0-9a-f]{12}$`)

// of says how a step went: its states, and in brackets what it put out.
func (r *stepRecord) of(step imagefs.BuildStep) string {
	var words []string
	for i, s := range r.steps[step] {
		if i > 0 && s.State == imagefs.StepRunning {
			words = append(words, fmt.Sprintf("[%s%s]", builtID.ReplaceAllString(s.Line, "built ID"), s.Layer.Status))
			continue
		}
		words = append(words, string(s.State))
	}
	return strings.Join(words, " ")
}

// buildSteps builds, and checks how its steps went.
func (b *bench) buildSteps(dir string, req imagefs.BuildRequest, total int, want map[imagefs.BuildStep]string) {
	b.t.Helper()
	files, err := req.Open(b.t.Context(), imagefs.BuildPaths{Context: dir, Open: os.Open})
	if err != nil {
		b.t.Fatal(err)
	}
	defer files.Close()
	r := &stepRecord{}
	_, _ = b.Build(b.t.Context(), req, r)
	got := map[imagefs.BuildStep]string{}
	for step := range r.steps {
		got[step] = r.of(step)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Error(diff)
	}
	if r.total != total {
		b.t.Errorf("%d steps, want %d", r.total, total)
	}
}

func TestBuildSteps(t *testing.T) {
	b := newBench(t)
	s := newFileServer(t, map[string]string{"one": "never", "two": "one"})
	b.mustBuild(newContext(t, "FROM scratch\nONBUILD COPY --from=other /a.txt /\n"), imagefs.BuildRequest{Tags: []string{"base"}})
	dir := newContext(t, "FROM scratch AS other\nCOPY a.txt /\nFROM base\nENV A=b\n")
	for _, state := range []string{"done", "cached"} {
		id := "[Successfully built ID]"
		b.buildSteps(dir, imagefs.BuildRequest{Labels: []string{"a=b"}, Args: []string{"X=y"}}, 7, map[imagefs.BuildStep]string{
			{Stage: 0, Name: "other", Number: 1, Total: 2, Text: "FROM scratch AS other"}:         "running done",
			{Stage: 0, Name: "other", Number: 2, Total: 2, Text: "COPY a.txt /"}:                  "running " + state,
			{Stage: 1, Name: "stage-1", Number: 1, Total: 3, Text: "FROM base"}:                   "running done",
			{Stage: 1, Name: "stage-1", Number: 2, Total: 4, Text: "COPY --from=other /a.txt /"}:  "running " + state,
			{Stage: 1, Name: "stage-1", Number: 3, Total: 4, Text: "ENV A=b"}:                     "running " + state,
			{Stage: 1, Name: "stage-1", Number: 4, Total: 4, Text: "LABEL a=b"}:                   "running " + state,
			{Stage: imagefs.LastStage, Name: "", Number: 1, Total: 1, Text: "exporting to image"}: "running [[Warning] One or more build-args [X] were not consumed] " + id + " done",
		})
	}
	// The steps of one stage, of which the second fails, and those of another, which waits for ever.
	dir = newContext(t, fmt.Sprintf("FROM scratch\nADD %[1]s/one /\nFROM scratch\nADD %[1]s/two /\nCOPY nope /\nCOPY --from=0 /one /\n", s.URL))
	b.buildSteps(dir, imagefs.BuildRequest{}, 7, map[imagefs.BuildStep]string{
		{Stage: 0, Name: "stage-0", Number: 1, Total: 2, Text: "FROM scratch"}:            "running done",
		{Stage: 0, Name: "stage-0", Number: 2, Total: 2, Text: "ADD " + s.URL + "/one /"}: "running canceled",
		{Stage: 1, Name: "stage-1", Number: 1, Total: 4, Text: "FROM scratch"}:            "running done",
		{Stage: 1, Name: "stage-1", Number: 2, Total: 4, Text: "ADD " + s.URL + "/two /"}: "running done",
		{Stage: 1, Name: "stage-1", Number: 3, Total: 4, Text: "COPY nope /"}:             "running failed",
	})
}

// TestBuildStepPulls has a base that is pulled.
func TestBuildStepPulls(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "one"))
	r := &stepRecord{}
	req := imagefs.BuildRequest{Text: []byte("FROM " + b.ref("web:1") + "\n")}
	if _, err := b.Build(t.Context(), req, r); err != nil {
		t.Fatal(err)
	}
	from := r.of(imagefs.BuildStep{Number: 1, Total: 1, Text: "FROM " + b.ref("web:1")})
	for _, want := range []string{"running [1: Pulling from web] ", " [Pull complete] ", " [Status: Downloaded newer image for " + b.ref("web:1") + "] "} {
		if !strings.Contains(from, want) {
			t.Errorf("%q is not in %q", want, from)
		}
	}
}
