//go:build buildkit

package imagefs_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/scripts/peers"
)

// unlikeBuildKit are those of dockerfiles of which BuildKit makes something else; docs/semantics.md says so.
var unlikeBuildKit = []string{"no match", "several to a file", "arg and env"}

// TestBuildAsBuildKit has a real buildkitd build what docker's classic builder builds in TestBuildAsDocker, and compares.
func TestBuildAsBuildKit(t *testing.T) {
	daemon, err := peers.StartBuildKit(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(daemon.Close)
	b := newBench(t)
	files := newContext(t, "")
	var built []string
	for i, d := range dockerfiles {
		writeFile(t, filepath.Join(files, "Dockerfile"), d.text)
		ours, theirs := d.req, d.req
		ours.Tags = []string{fmt.Sprint("ours", i)}
		theirs.Tags, theirs.Builder, theirs.BuildKit = []string{fmt.Sprint("theirs", i)}, "buildkit", daemon.Addr
		_, _, oursErr := b.tryBuild(files, ours)
		_, said, theirsErr := b.tryBuild(files, theirs)
		if slices.Contains(unlikeBuildKit, d.name) {
			continue
		}
		if (oursErr != nil) != (theirsErr != nil) {
			t.Errorf("%s: ours %v\nBuildKit's %v %q", d.name, oursErr, theirsErr, said.lines)
			continue
		}
		if oursErr == nil {
			built = append(built, ours.Tags[0], theirs.Tags[0])
		}
	}
	all := weSave(t, b, built)
	for i, d := range dockerfiles {
		theirs, ours := all[fmt.Sprint("theirs", i)], all[fmt.Sprint("ours", i)]
		for _, one := range []saved{theirs, ours} {
			onlyWhatIsSaid(one.Config)
		}
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("%s (-BuildKit +ours):\n%s", d.name, diff)
		}
	}
}

// onlyWhatIsSaid removes what is there for the sake of old readers: empty fields, and what is so anyway.
func onlyWhatIsSaid(config map[string]any) {
	delete(config, "ArgsEscaped")
	maps.DeleteFunc(config, func(key string, value any) bool {
		return value == nil || value == false || value == "" || key == "WorkingDir" && value == "/"
	})
}
