package imagefs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

// remove runs `rmi`, and gives its lines, host and digests made readable.
func (b *bench) remove(force bool, refs ...string) ([]string, error) {
	b.t.Helper()
	return b.lines(func(r *record) error {
		return b.Remove(b.t.Context(), imagefs.RemoveRequest{Refs: refs, Force: force}, r)
	})
}

// lines gives the lines of a verb, with names for what differs from run to run.
func (b *bench) lines(verb func(*record) error) ([]string, error) {
	var words []string
	for _, img := range b.Store().Snapshot().Images {
		words = append(words, img.ID.String(), fmt.Sprintf("image%d", img.Number))
		for k, c := range img.Chains {
			words = append(words, c.ChainID.String(), fmt.Sprintf("chain%d", k))
		}
		words = append(words, img.Manifest.Digest.String(), "manifest")
	}
	var r record
	err := verb(&r)
	names := strings.NewReplacer(append(words, b.reg.Host+"/", "")...)
	for i := range r.lines {
		r.lines[i] = names.Replace(r.lines[i])
	}
	return r.lines, err
}

func TestRemove(t *testing.T) {
	b := newBench(t)
	b.put("base", "1", newImage(t, "a"))
	b.put("web", "1", newImage(t, "a", "b"))
	base, _ := b.pull(imagefs.PullRequest{Ref: b.ref("base:1")})
	var web []*store.Image
	again := func() {
		web, _ = b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
		if err := b.Tag(t.Context(), b.ref("web:1"), "app:1"); err != nil {
			t.Fatal(err)
		}
	}
	image := func(img *store.Image) string { return fmt.Sprintf("Deleted: image%d", img.Number) }
	again()
	steps := []struct {
		name  string
		force bool
		words []string
		want  []string
		err   string
	}{
		{"one of two names", false, []string{b.ref("web:1")}, []string{"Untagged: web:1", "Untagged: web@manifest"}, ""},
		{"the last name", false, []string{"app:1"}, []string{"Untagged: app:1", image(web[0]), "Deleted: chain1"}, ""},
		{"again", false, []string{"app:1"}, nil, "No such image: app:1"},
		{"ID with two names", false, []string{web[0].ID.Encoded()[:12]}, nil,
			"conflict: unable to delete " + web[0].ID.Encoded()[:12] + " (must be forced) - image is referenced in multiple repositories (name one of its tags to remove that alone, or use -f)"},
		{"by force", true, []string{web[0].ID.String()},
			[]string{"Untagged: web:1", "Untagged: web@manifest", "Untagged: app:1", image(web[0]), "Deleted: chain1"}, ""},
		{"some that are not there", false, []string{"nope", base[0].ID.Encoded()[:10], "nada"},
			[]string{"Untagged: base:1", "Untagged: base@manifest", image(base[0]), "Deleted: chain0"},
			"No such image: nope\nNo such image: nada"},
	}
	for _, step := range steps {
		if step.name == "ID with two names" {
			again()
		}
		lines, err := b.remove(step.force, step.words...)
		if diff := cmp.Diff(step.want, lines); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
		if got := fmt.Sprint(err); err == nil && step.err != "" || err != nil && got != step.err {
			t.Errorf("%s: got %v, want %q", step.name, err, step.err)
		}
	}
	if snap := b.Store().Snapshot(); len(snap.Images) != 0 || len(snap.References) != 0 {
		t.Errorf("left: %v", b.names())
	}
	var said []string
	for _, ev := range b.past("image=" + base[0].ID.String()) {
		said = append(said, ev.Action)
	}
	if diff := cmp.Diff([]string{"untag", "untag", "delete"}, said); diff != "" {
		t.Error(diff)
	}
}

func TestRemoveFails(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	img, _ := b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	b.Tag(t.Context(), b.ref("web:1"), "app")
	rmi := func(words ...string) error {
		_, err := b.remove(false, words...)
		return err
	}
	checkFailures(t, "rmi", []failure{
		{"no word", imagefs.Invalid, "the image is missing", rmi()},
		{"no such image", imagefs.NotFound, "No such image: nope:1", rmi("nope:1")},
		{"no such ID", imagefs.NotFound, "No such image: 0123456789ab", rmi("0123456789ab")},
		{"bad reference", imagefs.Invalid, "must be lowercase", rmi("UP")},
		{"several names", imagefs.InUse, "(must be forced) - image is referenced in multiple repositories", rmi(img[0].ID.Encoded())},
	})
	if got := b.names(); len(got) != 3 {
		t.Errorf("left %q", got)
	}
}

func TestPrune(t *testing.T) {
	b := newBench(t)
	prune := func(req imagefs.PruneRequest) []string {
		t.Helper()
		var reclaimed int64
		lines, err := b.lines(func(r *record) (err error) {
			reclaimed, err = b.Prune(t.Context(), req, r)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return append(lines, fmt.Sprint(reclaimed))
	}
	b.put("base", "1", newImage(t, "a"))
	b.put("web", "1", newImage(t, "a", "b"))
	b.put("old", "1", newImage(t, "c"))
	b.pull(imagefs.PullRequest{Ref: b.ref("base:1")})
	web, _ := b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	old, _ := b.pull(imagefs.PullRequest{Ref: b.ref("old:1")})
	if err := b.Untag(t.Context(), b.ref("web:1")); err != nil {
		t.Fatal(err)
	}
	gone := []string{fmt.Sprintf("deleted: image%d", web[0].Number), "deleted: chain1", "1000"}
	oldGone := []string{"untagged: old:1", "untagged: old@manifest", fmt.Sprintf("deleted: image%d", old[0].Number), "deleted: chain0", "1000"}
	steps := []struct {
		name string
		req  imagefs.PruneRequest
		want []string
	}{
		{"of another label", imagefs.PruneRequest{Filters: []string{"label=x"}}, []string{"0"}},
		{"younger", imagefs.PruneRequest{All: true, Filters: []string{"until=1980-01-01"}}, []string{"0"}},
		{"enough room", imagefs.PruneRequest{All: true, KeepStorage: 3000}, []string{"0"}},
		{"dry run", imagefs.PruneRequest{DryRun: true}, gone},
		{"dangling", imagefs.PruneRequest{Filters: []string{"label!=x"}}, gone},
		{"nothing left", imagefs.PruneRequest{}, []string{"0"}},
		{"the rest", imagefs.PruneRequest{Filters: []string{"dangling=false"}}, append([]string{
			"untagged: base:1", "untagged: base@manifest"}, oldGone...)},
	}
	for _, step := range steps[:6] {
		if diff := cmp.Diff(step.want, prune(step.req)); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
	}
	if lines := prune(steps[6].req); len(lines) != 9 || lines[8] != "2000" {
		t.Errorf("the rest: %q", lines)
	}
}

func TestPruneFails(t *testing.T) {
	b := newBench(t)
	prune := func(filter string) error {
		_, err := b.Prune(t.Context(), imagefs.PruneRequest{Filters: []string{filter}}, &record{})
		return err
	}
	checkFailures(t, "prune", []failure{
		{"no value", imagefs.Invalid, "it is not key=value", prune("x")},
		{"unknown filter", imagefs.Invalid, "invalid filter 'x'", prune("x=y")},
		{"bad time", imagefs.Invalid, "failed to parse value as time or duration", prune("until=soon")},
		{"not a boolean", imagefs.Invalid, "invalid filter 'dangling=maybe'", prune("dangling=maybe")},
	})
}

// TestRemoveIndex removes an index of which two platforms were pulled, by name and by the ID of either.
func TestRemoveIndex(t *testing.T) {
	for _, by := range []string{"name", "first", "second"} {
		b := newBench(t)
		one := b.put("web", "one", imageFor(t, "linux/amd64", "a"))
		two := b.put("web", "two", imageFor(t, "linux/arm64", "b"))
		b.reg.PutIndex("web", "1", one, two)
		images, _ := b.pull(imagefs.PullRequest{Ref: b.ref("web:1"), AllPlatforms: true})
		word := map[string]string{"name": b.ref("web:1"), "first": images[0].ID.String(), "second": images[1].ID.String()}[by]
		lines, err := b.remove(false, word)
		if snap := b.Store().Snapshot(); err != nil || len(snap.Images) != 0 || len(lines) != 6 {
			t.Errorf("by %s: %v, %q; left %v", by, err, lines, snap.Images)
		}
	}
}

// TestPruneIndex wants a name to keep all its images, if it keeps one.
func TestPruneIndex(t *testing.T) {
	b := newBench(t)
	b.reg.PutIndex("web", "1", b.put("web", "one", imageFor(t, "linux/amd64", "a")), b.put("web", "two", imageFor(t, "linux/arm64", "b")))
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1"), AllPlatforms: true})
	for _, step := range []struct{ keep, reclaimed int64 }{{1500, 0}, {500, 2000}} {
		before := b.names()
		reclaimed, err := b.Prune(t.Context(), imagefs.PruneRequest{All: true, KeepStorage: step.keep}, &record{})
		if err != nil || reclaimed != step.reclaimed {
			t.Errorf("%d reclaimed, %v", reclaimed, err)
		}
		if after := b.names(); step.reclaimed == 0 && !cmp.Equal(before, after) || step.reclaimed > 0 && len(after) > 0 {
			t.Errorf("left %q", after)
		}
	}
}

// TestRemoveAgain removes what was removed, but perhaps not collected.
func TestRemoveAgain(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	req := imagefs.RemoveRequest{Refs: []string{b.ref("web:0"), b.ref("web:1")}, Again: true}
	if err := b.Remove(t.Context(), req, &record{}); err != nil || len(b.names()) > 0 {
		t.Errorf("%v, left %q", err, b.names())
	}
	req.Refs = []string{"UP"}
	if err := b.Remove(t.Context(), req, &record{}); imagefs.KindOf(err) != imagefs.Invalid {
		t.Error(err)
	}
}
