package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/scripts/walk"
)

// TestRootfsIsTheImage compares the merged tree with what umoci unpacks, and for real images with what dockerd shows.
func TestRootfsIsTheImage(t *testing.T) {
	need(t, "docker-registry", "dockerd", "skopeo", "umoci")
	m := newMount(t)
	for _, image := range []struct {
		name  string
		build func(*testing.T) string
	}{{"busybox", busybox}, {"debian", debian}} {
		t.Run(image.name, func(t *testing.T) {
			name := image.build(t)
			m.pull(name)
			got := walkTree(t, m.tag(name, "rootfs"))
			t.Run("umoci", func(t *testing.T) { compare(t, got, walkTree(t, umociUnpack(t, name))) })
			t.Run("dockerd", func(t *testing.T) {
				compare(t, asOverlay(got), asOverlay(walkTree(t, dockerMerged(t, name))))
			})
		})
	}
}

var linkCount = regexp.MustCompile(` nlink=\d+`)

// asOverlay leaves out what overlayfs makes up, see docs/semantics.md: it counts links that other layers removed, and
// a root that no layer has an entry for is as old as dockerd's directory.
func asOverlay(tree walk.Tree) walk.Tree {
	seen := walk.Tree{}
	for name, fields := range tree {
		seen[name] = linkCount.ReplaceAllString(fields, "")
	}
	delete(seen, ".")
	return seen
}

func walkTree(t *testing.T, dir string) walk.Tree {
	t.Helper()
	tree, err := walk.Walk(dir + "/")
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func compare(t *testing.T, got, want walk.Tree) {
	t.Helper()
	lines := walk.Diff(got, want)
	if len(lines) > 20 {
		t.Errorf("and %d more", len(lines)-20)
		lines = lines[:20]
	}
	for _, line := range lines {
		t.Error(line)
	}
	t.Logf("%d entries compared", len(want))
}

// umociUnpack fetches an image with skopeo and unpacks it with umoci.
func umociUnpack(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	sh(t, "skopeo copy -q --src-tls-verify=false docker://"+name+" oci:"+dir+"/oci:x")
	// What has no entry gets umoci's umask.
	sh(t, "umask 022 && umoci unpack --image "+dir+"/oci:x "+dir+"/bundle")
	return filepath.Join(dir, "bundle", "rootfs")
}

// dockerMerged pulls an image with dockerd and mounts its layers read-only as its overlay driver would.
func dockerMerged(t *testing.T, name string) string {
	t.Helper()
	if _, err := shared.docker.Run(t.Context(), "pull", "-q", name); err != nil {
		t.Fatal(err)
	}
	out, err := shared.docker.Run(t.Context(), "inspect", "--format", "{{json .GraphDriver.Data}}", name)
	if err != nil {
		t.Fatal(err)
	}
	var data struct{ LowerDir, UpperDir string }
	if err := json.Unmarshal([]byte(out), &data); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	lower := strings.TrimSuffix(data.UpperDir+":"+data.LowerDir, ":")
	if !strings.Contains(lower, ":") {
		lower += ":" + t.TempDir() // overlayfs wants two
	}
	// The options are longer than a page: relative paths keep them short.
	if err := unix.Mount("overlay", dir, "overlay", unix.MS_RDONLY, "lowerdir="+short(t, lower)); err != nil {
		t.Fatalf("overlay of %s: %v", lower, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// short gives each directory of a colon-separated list a short name.
func short(t *testing.T, list string) string {
	t.Helper()
	base := t.TempDir()
	var links []string
	for i, dir := range strings.Split(list, ":") {
		link := filepath.Join(base, string(rune('a'+i)))
		if err := os.Symlink(dir, link); err != nil {
			t.Fatal(err)
		}
		links = append(links, link)
	}
	return strings.Join(links, ":")
}
