package names

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/store"
)

func testView(t *testing.T) *View {
	t.Helper()
	return NewView(testSnapshot(t), Mount{Mountpoint: "/images", Content: "/run/imagefs/x", Time: mounted})
}

func TestViewFS(t *testing.T) {
	if err := fstest.TestFS(testView(t), "README.md", "images", "images.json", "by-id", "dangling",
		"docker.io/library/alpine/3.19"); err != nil {
		t.Fatal(err)
	}
	empty := NewView(&store.Snapshot{}, Mount{Mountpoint: "/images", Content: "/run/imagefs/x", Time: mounted})
	if err := fstest.TestFS(empty, "README.md"); err != nil {
		t.Fatal(err)
	}
}

func TestViewListing(t *testing.T) {
	var got []string
	v := testView(t)
	err := fs.WalkDir(v, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Type() == fs.ModeSymlink {
			target, err := v.ReadLink(path)
			if err != nil {
				return err
			}
			path += " -> " + target
		}
		got = append(got, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		".", "README.md", ":images.json", ":images.json/odd", ":images.json/odd/1 -> ../../by-id/" + idOf(t, "alpine"),
		"by-id -> /run/imagefs/x",
		"dangling",
		"dangling/" + idOf(t, "bydig") + " -> ../by-id/" + idOf(t, "bydig"),
		"dangling/" + idOf(t, "dangling") + " -> ../by-id/" + idOf(t, "dangling"),
		"docker.io", "docker.io/library", "docker.io/library/alpine",
		"docker.io/library/alpine/3.19 -> ../../../by-id/" + idOf(t, "alpine"),
		"docker.io/library/alpine/3.19@linux-arm-v7 -> ../../../by-id/" + idOf(t, "arm"),
		"docker.io/library/alpine/latest -> ../../../by-id/" + idOf(t, "alpine"),
		"docker.io/library/alpine/stable -> ../../../by-id/" + idOf(t, "alpine"),
		"docker.io/library/golang",
		"docker.io/library/golang/1.12 -> ../../../by-id/" + idOf(t, "golang"),
		"docker.io/myuser", "docker.io/myuser/app", "docker.io/myuser/app/1 -> ../../../by-id/" + idOf(t, "alpine"),
		"images", "images.json",
		"localhost:5000", "localhost:5000/a", "localhost:5000/a/b",
		"localhost:5000/a/b/:c -> ../../../by-id/" + idOf(t, "alpine"),
		"localhost:5000/a/b/c", "localhost:5000/a/b/c/x -> ../../../../by-id/" + idOf(t, "arm"),
		"quay.io", "quay.io/only",
		"zot.example", "zot.example/broken", "zot.example/broken/1 -> ../../by-id/" + digestOf(t, "broken"),
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAliases(t *testing.T) {
	v := testView(t)
	for _, c := range []struct{ path, target string }{
		{"alpine", "docker.io/library/alpine/latest"},
		{"alpine:3.19", "docker.io/library/alpine/3.19"},
		{"alpine:nope", ""},
		{"golang", "docker.io/library/golang"}, // it has no tag latest
		{"golang:1.12", "docker.io/library/golang/1.12"},
		{"library", "docker.io/library"},
		{"myuser", "docker.io/myuser"},
		{"index.docker.io", "docker.io"},
		{"nobody", ""},
		{"UPPER", ""},
		{"alpine@" + digestOf(t, "alpine"), "by-id/" + idOf(t, "alpine")},
		{"alpine:3.19@" + digestOf(t, "alpine"), "by-id/" + idOf(t, "alpine")},
		{"alpine@" + digestOf(t, "nope"), ""},
		{"alpine@" + indexOf(t).Descriptor.Digest.String(), "by-id/" + idOf(t, "alpine")},
		{"docker.io/alpine:3.19", "library/alpine/3.19"},
		{"docker.io/library/alpine:3.19", "alpine/3.19"},
		{"docker.io/library/alpine@" + digestOf(t, "alpine"), "../../by-id/" + idOf(t, "alpine")},
		{"docker.io/library/alpine/:3.19", "3.19"},
		{"docker.io/library/alpine/nope", ""},
		{"docker.io/myuser/app:1", "app/1"},
		{"localhost:5000/a/b:c", "b/:c"},
		{"localhost:5000/a/b/c:x", "c/x"},
		{"quay.io/only@" + digestOf(t, "bydig"), "../by-id/" + idOf(t, "bydig")},
		{"images.json/odd:1", ""}, // images.json is a file
		{"nowhere/x:1", ""},
	} {
		target, err := v.ReadLink(c.path)
		if target != c.target || (err != nil) != (c.target == "") {
			t.Errorf("%s -> %q, %v; want %q", c.path, target, err, c.target)
		}
	}
}

func TestTimes(t *testing.T) {
	v := testView(t)
	tag := v.snap.Reference("docker.io/library/golang:1.12").Updated
	dangling := v.snap.Image(testImage(t, "dangling").ID).Created
	for path, want := range map[string]time.Time{
		"docker.io/library/golang/1.12":   tag,
		"docker.io/library/golang":        tag,
		"golang:1.12":                     tag,
		"README.md":                       mounted,
		"by-id":                           mounted,
		"zot.example/broken/1":            mounted, // as no other program's tag has a time
		"dangling/" + idOf(t, "dangling"): dangling,
	} {
		i, err := v.Lstat(path)
		if err != nil || !i.ModTime().Equal(want) {
			t.Errorf("%s: %v, %v; want %v", path, i.ModTime(), err, want)
		}
	}
}

func TestGenerated(t *testing.T) {
	v := testView(t)
	for path, words := range map[string][]string{
		"README.md":   {"/images/ctl/pull", "/run/imagefs/x"},
		"images":      {"REPOSITORY", "alpine", "3.19", idOf(t, "alpine")[:12], "6B"},
		"images.json": {`"Repository":"alpine"`, `"ID":"sha256:` + idOf(t, "alpine")},
	} {
		text, err := fs.ReadFile(v, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(string(text), word) {
				t.Errorf("%s has no %s:\n%s", path, word, text)
			}
		}
	}
}
