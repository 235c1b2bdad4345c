package imagefs_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
)

// TestBuildWords reads arguments and secrets from files and the environment, as docker does.
func TestBuildWords(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"file", "VAR"} {
		writeFile(t, filepath.Join(dir, name), name)
	}
	t.Chdir(dir)
	env := map[string]string{"VAR": "variable", "EMPTY": ""}
	var req imagefs.BuildRequest
	files, err := req.Open(t.Context(), imagefs.BuildPaths{
		Context: ".", Args: []string{"A=b", "C=", "VAR", "EMPTY", "NONE"},
		Secrets: []string{"id=a,src=file", "source=file,id=b,type=file", "id=c,env=VAR", "id=d,type=env,src=VAR", "id=VAR", "id=file", "id=e,env=NONE"},
		Open:    os.Open, Env: func(name string) (string, bool) { value, ok := env[name]; return value, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	if diff := cmp.Diff([]string{"A=b", "C=", "VAR=variable", "EMPTY="}, req.Args); diff != "" {
		t.Error(diff)
	}
	got := map[string]string{}
	for id, value := range req.Secrets {
		got[id] = string(value)
	}
	want := map[string]string{"a": "file", "b": "file", "c": "variable", "d": "variable", "VAR": "variable", "file": "file", "e": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
