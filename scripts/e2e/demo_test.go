package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDemo runs the tour as a script would, without a terminal, and looks for what each stop should show.
func TestDemo(t *testing.T) {
	need(t, "make", "busybox", "getfattr")
	out, err := exec.Command("make", "-s", "-C", "../..", "demo").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"No such file or directory", "Hint: check the name and the tag", "REPOSITORY", "latest -> ../../../by-id/",
		`"RepoTags": [`, "COPY www /www", "<h1>It works</h1>", "Only in 1.35/rootfs/etc: old", "03 sha256:", "etc/old", "# Done.",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the tour does not show %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
