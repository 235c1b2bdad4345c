package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagefs/imagefs/scripts/peers"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// TestImageMount: the command line finds an image's files in the mount of its store, and only there.
func TestImageMount(t *testing.T) {
	need(t)
	m := newMount(t)
	add := exec.Command(binary, "import", "--root", m.root, "-", "small")
	add.Stdin = strings.NewReader(string(layertest.Tar(t, layertest.File("etc/hello", "hello\n"))))
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	find := func(root string) (string, error) {
		return peers.Run(t.Context(), binary, "image", "mount", "--root", root, "small")
	}
	dir := strings.TrimSpace(must(t)(find(m.root)))
	if text, err := os.ReadFile(filepath.Join(dir, "etc/hello")); err != nil || string(text) != "hello\n" {
		t.Errorf("%s: %q, %v", dir, text, err)
	}
	if out, err := find(tempDir(t)); err == nil || out != "" {
		t.Errorf("a store without it: %q, %v", out, err)
	}
	m.stop()
	if out, err := find(m.root); err == nil || !strings.Contains(err.Error(), "is not mounted") {
		t.Errorf("unmounted: %q, %v", out, err)
	}
}
