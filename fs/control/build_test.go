package control

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

// builderEngine keeps what it is asked to build.
type builderEngine struct {
	Engine
	asked []imagefs.BuildRequest
}

func (e *builderEngine) Build(_ context.Context, req imagefs.BuildRequest, _ imagefs.Reporter) (*store.Image, error) {
	req.Context = nil
	e.asked = append(e.asked, req)
	return nil, nil
}

// TestBuildLine: a secret's path begins at the working directory of who writes the line, and nobody's environment is
// read.
func TestBuildLine(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("hidden"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &builderEngine{}
	tree := newTree(t, &fakeEngine{Engine: e}, t.TempDir())
	pid := writer(t, "cd "+dir, nil)
	write := func(unique uint64, line string) (string, error) {
		s := open(t, tree, "ctl/build", unique)
		_, err := s.Write(t.Context(), Call{Unique: unique, PID: pid, Writable: true}, []byte(line))
		return readAll(t, s), err
	}
	if _, err := write(1, "-t web --build-arg A=b --secret id=s,src=file --secret id=file --network none --cache-from old --cache-from older ."); err != nil {
		t.Fatal(err)
	}
	want := []imagefs.BuildRequest{{
		Tags: []string{"web"}, Args: []string{"A=b"}, Network: "none", CacheFrom: []string{"old", "older"},
		Secrets: map[string][]byte{"s": []byte("hidden"), "file": []byte("hidden")},
	}}
	if diff := cmp.Diff(want, e.asked); diff != "" {
		t.Error(diff)
	}
	t.Setenv("file", "x")
	for i, line := range []string{"--secret id=s,env=file .", "--secret id=file,type=env .", "--build-arg file ."} {
		said, err := write(uint64(2+i), line)
		if err == nil || !strings.Contains(said, "there is no environment here to take file from") {
			t.Errorf("%s: %v, %s", line, err, said)
		}
	}
	if len(e.asked) != 1 {
		t.Errorf("%+v", e.asked[1:])
	}
}
