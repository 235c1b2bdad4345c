package imagefs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
)

func TestTag(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	b.put("web", "2", newImage(t, "b"))
	one, _ := b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	two, _ := b.pull(imagefs.PullRequest{Ref: b.ref("web:2")})
	for _, source := range []string{b.ref("web:1"), one[0].ID.String(), one[0].ID.Encoded()[:12]} {
		if err := b.Tag(t.Context(), source, "app"); err != nil {
			t.Fatal(err)
		}
		if img, err := imagefs.Resolve(b.Store().Snapshot(), "app:latest"); err != nil || img.ID != one[0].ID {
			t.Fatalf("tag %s: %v, %v", source, img, err)
		}
	}
	if err := b.Tag(t.Context(), b.ref("web:2"), "app"); err != nil {
		t.Fatal(err)
	}
	if img, _ := imagefs.Resolve(b.Store().Snapshot(), "app"); img.ID != two[0].ID {
		t.Errorf("app is %s", img.ID)
	}
	events := b.past("event=tag")
	last := events[len(events)-1]
	if last.Actor.ID != two[0].ID.String() || last.Actor.Attributes["name"] != "app:latest" {
		t.Errorf("got %+v", last)
	}
}

func TestTagFails(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	web := b.ref("web:1")
	checkFailures(t, "tag", []failure{
		{"no such image", imagefs.NotFound, "No such image: nothing:1", b.Tag(t.Context(), "nothing:1", "x")},
		{"bad source", imagefs.Invalid, "must be lowercase", b.Tag(t.Context(), "UP", "x")},
		{"bad target", imagefs.Invalid, "must be lowercase", b.Tag(t.Context(), web, "UP")},
		{"a digest algorithm", imagefs.Invalid, "refusing to create an ambiguous tag using digest algorithm as name", b.Tag(t.Context(), web, "sha256:v1")},
		{"a digest", imagefs.Invalid, "refusing to create a tag with a digest reference", b.Tag(t.Context(), web, "x@sha256:"+strings.Repeat("0", 64))},
		{"reserved", imagefs.Invalid, "'scratch' is a reserved name", b.Tag(t.Context(), web, "scratch")},
		{"a tag that is not there", imagefs.NotFound, "No such image: web:9", b.Untag(t.Context(), "web:9")},
		{"moving what is not there", imagefs.NotFound, "No such image: web:9", b.Move(t.Context(), "web:9", "web:8")},
		{"moving to a bad name", imagefs.Invalid, "must be lowercase", b.Move(t.Context(), web, "UP")},
	})
	if got := b.names(); len(got) != 2 {
		t.Errorf("left %q", got)
	}
}

func TestMove(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	for _, step := range [][2]string{{"web:1", "web:2"}, {"web:2", "other/app:3"}, {"other/app:3", "other/app:3"}} {
		if err := b.Move(t.Context(), b.ref(step[0]), b.ref(step[1])); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"other/app:3"}, b.names()); diff != "" {
		t.Error(diff)
	}
}

func TestMoveKeepsTheDigest(t *testing.T) {
	b := newBench(t)
	desc := b.put("web", "1", newImage(t, "a"))
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	if err := b.Move(t.Context(), b.ref("web:1"), b.ref("web:2")); err != nil {
		t.Fatal(err)
	}
	want := []string{"web:2", "web@" + desc.Digest.String()}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(b.names()))); diff != "" {
		t.Error(diff)
	}
}

func TestUntagLeavesTheImage(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	b.Tag(t.Context(), b.ref("web:1"), b.ref("web:2"))
	for i, name := range []string{"web:1", "web:2"} {
		if err := b.Untag(t.Context(), b.ref(name)); err != nil {
			t.Fatal(err)
		}
		digests := slices.DeleteFunc(b.names(), func(name string) bool { return !strings.Contains(name, "@") })
		if len(digests) != 1-i {
			t.Errorf("names by digest after untag %s: %q", name, digests)
		}
	}
	snap := b.Store().Snapshot()
	if len(snap.Images) != 1 || len(snap.References) != 0 {
		t.Errorf("got %d images, names %q", len(snap.Images), b.names())
	}
}
