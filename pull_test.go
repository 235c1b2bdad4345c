package imagefs_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry/registrytest"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestPull(t *testing.T) {
	b := newBench(t)
	img := newImage(t, "a", "b")
	desc := b.put("dir/web", "1.0", img)
	images, said := b.pull(imagefs.PullRequest{Ref: b.ref("dir/web:1.0")})
	if len(images) != 1 || images[0].ID != img.ID {
		t.Fatalf("got %v", images)
	}
	want := []string{
		"1.0: Pulling from dir/web",
		"Digest: " + desc.Digest.String(),
		"Status: Downloaded newer image for " + b.ref("dir/web:1.0"),
		b.ref("dir/web:1.0"),
	}
	if diff := cmp.Diff(want, said.lines); diff != "" {
		t.Error(diff)
	}
	for _, l := range img.Layers {
		got := said.statuses(l)
		if got[0] != imagefs.StatusWaiting || got[len(got)-1] != imagefs.StatusComplete {
			t.Errorf("layer %s: %q", l.Descriptor.Digest, got)
		}
	}
	var names []string
	for _, ref := range b.Store().Snapshot().References {
		names = append(names, ref.Name)
	}
	wantNames := []string{b.ref("dir/web:1.0"), b.ref("dir/web@" + desc.Digest.String())}
	if diff := cmp.Diff(wantNames, names); diff != "" {
		t.Error(diff)
	}
}

func TestPullTwiceDownloadsNothing(t *testing.T) {
	b := newBench(t)
	img := newImage(t, "a")
	desc := b.put("web", "latest", img)
	b.pull(imagefs.PullRequest{Ref: b.ref("web")})
	before := b.reg.Count("/blobs/")
	_, said := b.pull(imagefs.PullRequest{Ref: b.ref("web")})
	if n := b.reg.Count("/blobs/"); n != before {
		t.Errorf("asked for %d blobs", n-before)
	}
	want := []string{
		"Using default tag: latest",
		"latest: Pulling from web",
		"Digest: " + desc.Digest.String(),
		"Status: Image is up to date for " + b.ref("web:latest"),
		b.ref("web:latest"),
	}
	if diff := cmp.Diff(want, said.lines); diff != "" {
		t.Error(diff)
	}
	if len(said.layers) != 0 {
		t.Errorf("told of layers: %v", said.layers)
	}
}

func TestPullSharesLayers(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	second := newImage(t, "a", "b")
	b.put("web", "2", second)
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	_, said := b.pull(imagefs.PullRequest{Ref: b.ref("web:2")})
	if got := said.statuses(second.Layers[0]); !slices.Equal(got, []string{imagefs.StatusExists}) {
		t.Errorf("base: %q", got)
	}
	if n := b.reg.Count("GET .*" + second.Layers[0].Descriptor.Digest.String()); n != 1 {
		t.Errorf("the base was asked for %d times", n)
	}
}

func TestPullByDigest(t *testing.T) {
	b := newBench(t)
	desc := b.put("web", "1", newImage(t, "a"))
	name := b.ref("web@" + desc.Digest.String())
	_, said := b.pull(imagefs.PullRequest{Ref: b.ref("web:1@" + desc.Digest.String())})
	want := []string{
		name + ": Pulling from web",
		"Digest: " + desc.Digest.String(),
		"Status: Downloaded newer image for " + name,
		name,
	}
	if diff := cmp.Diff(want, said.lines); diff != "" {
		t.Error(diff)
	}
	if refs := b.Store().Snapshot().References; len(refs) != 1 || refs[0].Name != name {
		t.Errorf("got %v", refs)
	}
}

func TestPullMovesTag(t *testing.T) {
	b := newBench(t)
	old := newImage(t, "a")
	b.put("web", "1", old)
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	b.put("web", "1", newImage(t, "b"))
	_, said := b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	if !slices.Contains(said.lines, "Status: Downloaded newer image for "+b.ref("web:1")) {
		t.Errorf("got %q", said.lines)
	}
	rows := imagefs.Images(b.Store().Snapshot())
	i := slices.IndexFunc(rows, func(r imagefs.ImageRow) bool { return r.Image.ID == old.ID })
	if i < 0 || rows[i].Repository != b.ref("web") || rows[i].Tag != "<none>" {
		t.Errorf("the old image's row: %+v", rows)
	}
}

func TestPullAllTags(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	b.put("web", "2", newImage(t, "a", "b"))
	images, said := b.pull(imagefs.PullRequest{Ref: b.ref("web"), AllTags: true})
	if len(images) != 2 {
		t.Errorf("got %d images", len(images))
	}
	if got := said.lines[len(said.lines)-2:]; !slices.Equal(got, []string{"Status: Downloaded newer image for " + b.ref("web"), b.ref("web")}) {
		t.Errorf("got %q", got)
	}
}

func TestPullPlatforms(t *testing.T) {
	b := newBench(t)
	byPlatform := make(map[string]storetest.Image)
	var entries []ocispec.Descriptor
	for _, p := range []string{"linux/amd64", "linux/386", "linux/arm/v6", "linux/arm/v7", "linux/arm64", "linux/s390x", "linux/riscv64"} {
		byPlatform[p] = imageFor(t, p, strings.ReplaceAll(p, "/", "-"))
		entries = append(entries, b.put("web", "for-"+strings.ReplaceAll(p, "/", "-"), byPlatform[p]))
	}
	attestation := b.put("web", "attestation", newImage(t, "attestation"))
	attestation.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	b.reg.PutIndex("web", "1", append(entries, attestation)...)
	for asked, want := range map[string]string{
		"linux/arm64":    "linux/arm64",
		"linux/arm64/v8": "linux/arm64",
		"linux/arm/v7":   "linux/arm/v7",
		"linux/arm":      "linux/arm/v7",
		"linux/arm/v8":   "linux/arm/v7",
		"linux/arm/v6":   "linux/arm/v6",
		"s390x":          "linux/s390x",
	} {
		images, said := b.pull(imagefs.PullRequest{Ref: b.ref("web:1"), Platform: asked})
		if len(images) != 1 || images[0].ID != byPlatform[want].ID {
			t.Errorf("%s: did not get %s: %q", asked, want, said.lines)
		}
	}
	images, _ := b.pull(imagefs.PullRequest{Ref: b.ref("web:1"), AllPlatforms: true})
	if len(images) != len(byPlatform) {
		t.Errorf("all platforms are %d", len(images))
	}
	e := b.fail(imagefs.PullRequest{Ref: b.ref("web:1"), Platform: "linux/ppc64le"})
	if e.Kind != imagefs.Unsupported || e.Err.Error() != "no matching manifest for linux/ppc64le in the manifest list entries" {
		t.Errorf("got %v", e)
	}
}

// An entry that does not say its platform is taken where no other matches.
func TestPullPlatformNotSaid(t *testing.T) {
	b := newBench(t)
	entry := b.put("web", "x", newImage(t, "x"))
	entry.Platform = nil
	arm := imageFor(t, "linux/arm64", "arm")
	b.reg.PutIndex("web", "1", entry, b.put("web", "arm", arm))
	for platform, layer := range map[string]string{"linux/arm64": "arm", "linux/s390x": "x"} {
		images, _ := b.pull(imagefs.PullRequest{Ref: b.ref("web:1"), Platform: platform})
		if want := newLayers(t, layer)[0].DiffID; images[0].Chains[0].DiffID != want {
			t.Errorf("%s: got another image than %s", platform, layer)
		}
	}
}

func TestPullOtherPlatformAlone(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", imageFor(t, "linux/s390x", "a"))
	_, said := b.pull(imagefs.PullRequest{Ref: b.ref("web:1"), Platform: "linux/arm64"})
	want := "WARNING: image with reference " + b.ref("web:1") +
		" was found but its platform (linux/s390x) does not match the specified platform (linux/arm64)"
	if !slices.Contains(said.lines, want) {
		t.Errorf("got %q", said.lines)
	}
}

func TestPullEvents(t *testing.T) {
	b := newBench(t)
	layers := newLayers(t, "a")
	config := ocispec.Image{Config: ocispec.ImageConfig{Labels: map[string]string{"maintainer": "me"}}}
	config.RootFS = rootFS(layers)
	b.put("web", "1", storetest.NewImageWithConfig(t, config, layers...))
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	events := b.past()
	if len(events) != 1 {
		t.Fatalf("got %v", events)
	}
	ev := events[0]
	want := imagefs.Actor{ID: b.ref("web:1"), Attributes: map[string]string{"maintainer": "me", "name": b.ref("web")}}
	if diff := cmp.Diff(want, ev.Actor); diff != "" || ev.Type != "image" || ev.Action != "pull" || ev.Time().Unix() != ev.Seconds {
		t.Errorf("got %+v %s", ev, diff)
	}
}

func TestPullIsShared(t *testing.T) {
	b := newBench(t)
	img := newImage(t, "a")
	b.put("web", "1", img)
	release := make(chan struct{})
	b.reg.Next(1, "GET .*"+img.Layers[0].Descriptor.Digest.String(), registrytest.Hold(10, release))
	req := imagefs.PullRequest{Ref: b.ref("web:1")}
	first, cancel := context.WithCancel(t.Context())
	started := &starting{downloading: make(chan struct{})}
	failed := make(chan error, 1)
	go func() {
		_, err := b.Pull(first, req, started)
		failed <- err
	}()
	<-started.downloading
	second := &starting{downloading: make(chan struct{})}
	type result struct {
		images []*store.Image
		err    error
	}
	done := make(chan result, 1)
	go func() {
		images, err := b.Pull(t.Context(), req, second)
		done <- result{images, err}
	}()
	<-second.downloading // told of what was said before it came
	cancel()
	if err := <-failed; imagefs.KindOf(err) != imagefs.Canceled {
		t.Errorf("the first, which was cancelled: %v", err)
	}
	close(release)
	if r := <-done; r.err != nil || r.images[0].ID != img.ID {
		t.Errorf("the second: %v", r)
	}
	if n := b.reg.Count("GET .*" + img.Layers[0].Descriptor.Digest.String()); n != 1 {
		t.Errorf("the layer was asked for %d times", n)
	}
}

func TestPullEndsWithItsLastCaller(t *testing.T) {
	b := newBench(t)
	img := newImage(t, "a")
	b.put("web", "1", img)
	b.reg.Next(1, "GET .*"+img.Layers[0].Descriptor.Digest.String(), registrytest.Stall(10))
	ctx, cancel := context.WithCancelCause(t.Context())
	started := &starting{downloading: make(chan struct{})}
	go func() {
		<-started.downloading
		cancel(errors.Join(errors.New("Ctrl-C"), context.Canceled))
	}()
	_, err := b.Pull(ctx, imagefs.PullRequest{Ref: b.ref("web:1")}, started)
	if imagefs.KindOf(err) != imagefs.Canceled {
		t.Errorf("got %v", err)
	}
	if refs := b.Store().Snapshot().References; len(refs) != 0 {
		t.Errorf("published %v", refs)
	}
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	if got := b.reg.Requests("GET .*" + img.Layers[0].Descriptor.Digest.String()); !strings.HasPrefix(got[1].Header.Get("Range"), "bytes=10-") {
		t.Errorf("did not go on where it stood: %+v", got[1])
	}
}

// starting tells, once, that a download has begun.
type starting struct {
	record
	downloading chan struct{}
}

func (s *starting) Layer(p imagefs.LayerProgress) {
	if p.Status == imagefs.StatusDownloading && p.Done > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		select {
		case <-s.downloading:
		default:
			close(s.downloading)
		}
	}
}
