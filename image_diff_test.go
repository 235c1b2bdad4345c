package imagefs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/scripts/peers"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// diffLayers are a base, and what two images put over it, each its own.
func diffLayers(t *testing.T) (base, one, two storetest.Layer) {
	later := layertest.Time().Add(time.Hour)
	base = storetest.Gzip(t, layertest.Tar(t,
		layertest.Dir("etc"), layertest.File("etc/same", "x"), layertest.File("etc/gone", "x"), layertest.File("etc/text", "one"),
		layertest.File("etc/time", "x"), layertest.File("etc/mode", "x"), layertest.Symlink("etc/link", "text"),
		layertest.Dir("var"), layertest.Dir("var/deep"), layertest.File("var/deep/file", "x"),
		layertest.Dir("old"), layertest.File("old/a", "x"), layertest.File("becomes", "x"),
		layertest.Dir("plain"), layertest.File("plain/x", "x"),
	))
	one = storetest.Gzip(t, layertest.Tar(t, layertest.File("same", "here as there"), layertest.File("only", "in one")))
	two = storetest.Gzip(t, layertest.Tar(t,
		layertest.File("same", "here as there"),
		layertest.Whiteout("etc/gone"), layertest.File("etc/text", "two"), layertest.File("etc/time", "x").WithTime(later),
		layertest.File("etc/mode", "x").WithMode(0o600), layertest.Symlink("etc/link", "time"),
		layertest.File("var/deep/new", "x"), layertest.Whiteout("old"),
		layertest.Dir("becomes"), layertest.File("becomes/a", "x"), layertest.File("etc-d", "x"),
		layertest.Whiteout("plain"), layertest.File("fresh/dir/file", "x"),
	))
	return base, one, two
}

func diffText(entries []imagefs.DiffEntry) string {
	var lines []string
	for _, e := range entries {
		lines = append(lines, fmt.Sprintf("%c %s\n", e.Kind, e.Path))
	}
	return strings.Join(lines, "")
}

func TestDiff(t *testing.T) {
	s := storetest.New(t)
	base, one, two := diffLayers(t)
	a := storetest.NewImage(t, base, one).Publish(t, s, "docker.io/library/a:1")
	b := storetest.NewImage(t, base, two).Publish(t, s, "docker.io/library/b:1")
	for name, row := range map[string]struct {
		from, to *store.Image
		want     string
	}{
		"two images": {a, b, `C /becomes
A /becomes/a
C /etc
A /etc-d
D /etc/gone
C /etc/link
C /etc/mode
C /etc/text
C /etc/time
A /fresh
A /fresh/dir
A /fresh/dir/file
D /old
D /only
D /plain
C /var
C /var/deep
A /var/deep/new
`},
		"the last layer": {nil, a, "A /only\nA /same\n"},
		"itself":         {b, b, ""},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := imagefs.Diff(s, row.from, row.to)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, diffText(entries)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiffOfOneLayer(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, newLayers(t, "a")...).Publish(t, s, "docker.io/library/a:1")
	entries, err := imagefs.Diff(s, nil, img)
	if err != nil || diffText(entries) != "A /a\n" {
		t.Errorf("%s, %v", diffText(entries), err)
	}
	empty := storetest.NewImage(t).Publish(t, s, "docker.io/library/empty:1")
	if entries, err := imagefs.Diff(s, nil, empty); len(entries) > 0 || err != nil {
		t.Errorf("an image without layers: %v, %v", entries, err)
	}
}

// TestPodmanDiffers compares with `podman image diff`, which does not see what has the time and the length it had.
func TestPodmanDiffers(t *testing.T) {
	if missing := peers.Missing("podman"); len(missing) > 0 || os.Geteuid() != 0 {
		t.Skipf("needs root and podman; missing: %v", missing)
	}
	b := newBench(t)
	base, one, two := diffLayers(t)
	dir := t.TempDir()
	podman := func(args ...string) string {
		t.Helper()
		args = append([]string{"--root", dir + "/root", "--runroot", dir + "/run", "--storage-driver", "vfs"}, args...)
		out, err := peers.Run(t.Context(), "podman", args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, layers := range map[string][]storetest.Layer{"a": {base, one}, "b": {base, two}} {
		b.put(name, "1", storetest.NewImage(t, layers...))
		podman("pull", "-q", "--tls-verify=false", b.ref(name+":1"))
		b.pull(imagefs.PullRequest{Ref: b.ref(name + ":1")})
	}
	snap := b.Store().Snapshot()
	image := func(name string) *store.Image {
		img, err := imagefs.Resolve(snap, b.ref(name))
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	for _, row := range []struct {
		args     []string
		from, to *store.Image
	}{
		{[]string{"a:1"}, nil, image("a:1")},
		{[]string{"b:1"}, nil, image("b:1")},
		{[]string{"b:1", "a:1"}, image("a:1"), image("b:1")},
		{[]string{"a:1", "b:1"}, image("b:1"), image("a:1")},
	} {
		args := []string{"image", "diff"}
		for _, name := range row.args {
			args = append(args, b.ref(name))
		}
		lines := strings.SplitAfter(podman(args...), "\n")
		slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[min(2, len(a)):], b[min(2, len(b)):]) })
		entries, err := imagefs.Diff(b.Store(), row.from, row.to)
		if err != nil {
			t.Fatal(err)
		}
		entries = slices.DeleteFunc(entries, func(e imagefs.DiffEntry) bool { return e.Path == "/etc/link" || e.Path == "/etc/text" })
		if diff := cmp.Diff(strings.Join(lines, ""), diffText(entries)); diff != "" {
			t.Errorf("diff %v (-podman +imagefs)\n%s", row.args, diff)
		}
	}
}
