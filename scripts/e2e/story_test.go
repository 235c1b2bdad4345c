package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// TestStory tells the story both ways, and looks for what its turns should show.
func TestStory(t *testing.T) {
	need(t, "busybox", "gzip")
	for way, shows := range map[string][]string{
		"commands": {
			"Status: Downloaded newer image for busybox:latest", "demo/busybox:2.0 not found", "REPOSITORY",
			"linux/amd64 4", "COPY www /www", "OFFICIAL", "Untagged: web:v1", "(must be forced)", "Deleted: sha256:",
			"Total reclaimed space: ", "Loaded image: busybox:1.35", "Loaded image: busybox:latest", "v1: digest: sha256:",
		},
		"files": {
			"REPOSITORY", `"Id": "sha256:`, "COPY www /www", "OFFICIAL", "v1\nv2\n", "(must be forced)", "two.tar",
		},
	} {
		t.Run(way, func(t *testing.T) {
			out, err := exec.Command("../story", way).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range append(shows, "# The end.") {
				if !strings.Contains(string(out), want) {
					t.Errorf("it does not show %q", want)
				}
			}
			if t.Failed() {
				t.Logf("%s", out)
			}
		})
	}
}
