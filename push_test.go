package imagefs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry/registrytest"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// push pushes, and fails the test if that fails.
func (b *bench) push(req imagefs.PushRequest) *record {
	b.t.Helper()
	var r record
	if err := b.Push(b.t.Context(), req, &r); err != nil {
		b.t.Fatalf("push %+v: %v", req, err)
	}
	return &r
}

// give gives what has the name source another name.
func (b *bench) give(source, name string) {
	b.t.Helper()
	if err := b.Tag(b.t.Context(), source, name); err != nil {
		b.t.Fatal(err)
	}
}

// build stores an image of plain tars, as one that is made here.
func (b *bench) build(name string, tars ...[]byte) *store.Image {
	b.t.Helper()
	s := b.Store()
	claim, err := s.Claim()
	if err != nil {
		b.t.Fatal(err)
	}
	defer claim.Close()
	config := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}}
	config.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{}}
	var layers []ocispec.Descriptor
	for _, tar := range tars {
		desc, diffID, err := s.AddLayer(b.t.Context(), claim, bytes.NewReader(tar))
		if err != nil {
			b.t.Fatal(err)
		}
		layers = append(layers, desc)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diffID)
	}
	img, err := s.PutImage(b.t.Context(), claim, mustJSON(b.t, config), layers, name)
	if err != nil {
		b.t.Fatal(err)
	}
	return img
}

// fetched is what the registry has under a tag or digest.
func (b *bench) fetched(path string) (mediaType string, raw []byte) {
	b.t.Helper()
	resp, err := http.Get(b.reg.URL + "/v2/" + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		b.t.Fatalf("%s: %d %v %s", path, resp.StatusCode, err, raw)
	}
	return resp.Header.Get("Content-Type"), raw
}

// states are the states of a push's layers, by docker's short ID, each once, in order.
func states(r *record) map[string][]string {
	all := make(map[string][]string)
	for _, p := range r.layers {
		all[p.ID] = append(all[p.ID], p.Status)
	}
	for id, list := range all {
		all[id] = slices.Compact(list)
	}
	return all
}

func diffIDOf(l storetest.Layer) string { return l.DiffID.Encoded()[:12] }

// What was pulled is pushed as it was, by whichever registry and in whichever format.
func TestPushWhatWasPulled(t *testing.T) {
	for _, schema2 := range []bool{false, true} {
		b := newBench(t)
		other := registrytest.New(t)
		img := newImage(t, "a", "b")
		plain := storetest.Tar(layertest.Tar(t, layertest.File("plain", "x")))
		img = storetest.NewImage(t, append(img.Layers, plain)...)
		manifest, mediaType := img.Manifest, ocispec.MediaTypeImageManifest
		if schema2 {
			mediaType = "application/vnd.docker.distribution.manifest.v2+json"
			manifest = bytes.Replace(manifest, []byte(ocispec.MediaTypeImageManifest), []byte(mediaType), 1)
		}
		for i, l := range blobs(img) {
			b.reg.PutBlob("web", img.Layers[i].Descriptor.MediaType, l.Data)
		}
		b.reg.PutBlob("web", "", img.Config)
		b.reg.PutManifest("web", "1", mediaType, manifest)
		b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})

		b.give(b.ref("web:1"), other.Host+"/copy:2")
		r := b.push(imagefs.PushRequest{Ref: other.Host + "/copy:2"})
		want := []string{
			"The push refers to repository [" + other.Host + "/copy]",
			"2: digest: " + digest.FromBytes(manifest).String() + " size: " + strconv.Itoa(len(manifest)),
		}
		if diff := cmp.Diff(want, r.lines); diff != "" {
			t.Error(diff)
		}
		pushed := []string{"Preparing", "Pushing", "Pushed"}
		wantStates := map[string][]string{}
		for _, l := range img.Layers {
			wantStates[diffIDOf(l)] = pushed
		}
		if diff := cmp.Diff(wantStates, states(r)); diff != "" {
			t.Error(diff)
		}
		if first := r.layers[0].ID; first != diffIDOf(img.Layers[2]) {
			t.Errorf("%s comes first, want the topmost layer", first)
		}
		b.reg = other
		gotType, got := b.fetched("copy/manifests/2")
		if gotType != mediaType || !bytes.Equal(got, manifest) {
			t.Errorf("%s %s", gotType, got)
		}
	}
}

// A second push sends nothing but the manifest, and one to another repository has the blobs mounted.
func TestPushSkipsWhatIsThere(t *testing.T) {
	b := newBench(t)
	img := newImage(t, "a", "b")
	b.put("web", "1", img)
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	for ref, status := range map[string]string{"web:1": "Layer already exists", "team/app:1": "Mounted from web"} {
		if ref != "web:1" {
			b.give(b.ref("web:1"), b.ref(ref))
		}
		r := b.push(imagefs.PushRequest{Ref: b.ref(ref)})
		for _, l := range img.Layers {
			if diff := cmp.Diff([]string{"Preparing", status}, states(r)[diffIDOf(l)]); diff != "" {
				t.Error(diff)
			}
		}
	}
	if n := b.reg.Count("PATCH"); n != 1 {
		t.Errorf("%d blobs were sent, want the config alone", n)
	}
}

// The tags of one repository, and no others.
func TestPushAllTags(t *testing.T) {
	b := newBench(t)
	for _, tag := range []string{"1", "2"} {
		b.put("web", tag, newImage(t, "base", tag))
		b.pull(imagefs.PullRequest{Ref: b.ref("web:" + tag)})
		b.give(b.ref("web:"+tag), b.ref("copy:"+tag))
	}
	b.give(b.ref("web:1"), b.ref("copy2:1"))
	r := b.push(imagefs.PushRequest{Ref: b.ref("copy"), AllTags: true})
	var tags []string
	for _, line := range r.lines {
		tags = append(tags, strings.SplitN(line, ":", 2)[0])
	}
	if diff := cmp.Diff([]string{"The push refers to repository [127.0.0.1", "1", "2"}, tags); diff != "" {
		t.Error(diff)
	}
	if len(b.reg.Blobs("copy2")) > 0 {
		t.Error("another repository was pushed to")
	}
}

// An index is pushed if all of it is there; else the image that the tag means here.
func TestPushIndex(t *testing.T) {
	b := newBench(t)
	amd, arm := imageFor(t, "linux/amd64", "amd"), imageFor(t, "linux/arm64", "arm")
	index := b.reg.PutIndex("web", "1", b.put("web", "", amd), b.put("web", "", arm))
	other := registrytest.New(t)
	for _, tc := range []struct {
		all  bool
		want digest.Digest
	}{{false, amd.Descriptor.Digest}, {true, index.Digest}} {
		b.pull(imagefs.PullRequest{Ref: b.ref("web:1"), AllPlatforms: tc.all, Platform: map[bool]string{false: "linux/amd64"}[tc.all]})
		b.give(b.ref("web:1"), other.Host+"/copy:1")
		r := b.push(imagefs.PushRequest{Ref: other.Host + "/copy:1"})
		if !strings.HasPrefix(r.lines[1], "1: digest: "+tc.want.String()+" ") {
			t.Errorf("all %v: %q", tc.all, r.lines)
		}
		note := []string{
			"Not all multiplatform-content is present and only the available single-platform image was pushed",
			index.Digest.String() + " -> " + amd.Descriptor.Digest.String(),
		}
		if !tc.all && !slices.Equal(r.lines[2:], note) || tc.all && len(r.lines) != 2 {
			t.Errorf("all %v: %q", tc.all, r.lines)
		}
	}
	b.reg = other
	for _, d := range []digest.Digest{index.Digest, amd.Descriptor.Digest, arm.Descriptor.Digest} {
		if _, raw := b.fetched("copy/manifests/" + d.String()); digest.FromBytes(raw) != d {
			t.Errorf("%s is not there", d)
		}
	}
}

// What is stored as plain tars is pushed compressed, to the same digest each time, and is named by it.
func TestPushCompresses(t *testing.T) {
	tar := layertest.Tar(t, layertest.File("big", strings.Repeat("compressible ", 300_000)))
	var first digest.Digest
	for range 2 {
		b := newBench(t)
		img := b.build(b.ref("web:1"), tar, layertest.Tar(t, layertest.File("b", "b")))
		before := b.Store().Snapshot().Reference(b.ref("web:1")).Target
		for range 2 {
			b.push(imagefs.PushRequest{Ref: b.ref("web:1")})
		}
		mediaType, raw := b.fetched("web/manifests/1")
		var m ocispec.Manifest
		if err := json.Unmarshal(raw, &m); err != nil || mediaType != before.MediaType || m.Config.Digest != img.ID || len(m.Layers) != 2 {
			t.Fatalf("%s, %v: %s", mediaType, err, raw)
		}
		if m.Layers[0].MediaType != ocispec.MediaTypeImageLayerGzip {
			t.Errorf("a layer of type %s", m.Layers[0].MediaType)
		}
		_, blob := b.fetched("web/blobs/" + m.Layers[0].Digest.String())
		if z, err := gzip.NewReader(bytes.NewReader(blob)); err != nil {
			t.Error(err)
		} else if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, tar) || z.ModTime.Unix() != 0 {
			t.Errorf("%d bytes, %v, %v", len(got), err, z.ModTime)
		}
		if first == "" {
			first = digest.FromBytes(raw)
		}
		if d := digest.FromBytes(raw); d != first {
			t.Errorf("pushed as %s, and then as %s", first, d)
		}
		snap := b.Store().Snapshot()
		if ref := snap.Reference(b.ref("web@" + first.String())); ref == nil || len(ref.Images) != 1 || ref.Images[0].ID != img.ID {
			t.Errorf("what was pushed is not named by its digest: %v", snap.References)
		}
		if got := snap.Reference(b.ref("web:1")).Target.Digest; got != before.Digest {
			t.Error("the tag moved")
		}
		if n := b.reg.Count("PATCH"); n != 3 {
			t.Errorf("%d blobs were sent, want each once", n)
		}
		b.give(b.ref("web:1"), b.ref("copy:1"))
		r := b.push(imagefs.PushRequest{Ref: b.ref("copy:1")})
		if diff := cmp.Diff([]string{"Preparing", "Mounted from web"}, states(r)[img.Chains[0].DiffID.Encoded()[:12]]); diff != "" {
			t.Error(diff)
		}
	}
}

// More than five layers wait for each other; two pushes of the same do not.
func TestPushAtOnce(t *testing.T) {
	b := newBench(t)
	img := newImage(t, "1", "2", "3", "4", "5", "6", "7")
	b.put("web", "1", img)
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	b.give(b.ref("web:1"), b.ref("copy:1"))
	var wg sync.WaitGroup
	var records [2]record
	for i := range records {
		wg.Go(func() {
			if err := b.Push(t.Context(), imagefs.PushRequest{Ref: b.ref("copy:1")}, &records[i]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range records {
		waiting := 0
		for _, list := range states(&records[i]) {
			if slices.Contains(list, "Waiting") {
				waiting++
			}
		}
		if waiting != 2 {
			t.Errorf("%d layers wait", waiting)
		}
	}
}

// Ctrl-C ends whatever a push is at.
func TestPushCancel(t *testing.T) {
	for _, pattern := range []string{"HEAD", "PATCH", "PUT .*/manifests/"} {
		b := newBench(t)
		b.build(b.ref("web:1"), layertest.Tar(t, layertest.File("a", "a")))
		ctx, cancel := context.WithCancel(t.Context())
		b.reg.Next(registrytest.Always, pattern, func(s *registrytest.Server, w http.ResponseWriter, r *http.Request) {
			cancel()
			registrytest.Stall(-1)(s, w, r)
		})
		began := time.Now()
		err := b.Push(ctx, imagefs.PushRequest{Ref: b.ref("web:1")}, nil)
		if imagefs.KindOf(err) != imagefs.Canceled || time.Since(began) > 10*time.Second {
			t.Errorf("%s: %v after %v", pattern, err, time.Since(began))
		}
	}
}

func TestPushFails(t *testing.T) {
	b := newBench(t)
	b.put("web", "1", newImage(t, "a"))
	b.pull(imagefs.PullRequest{Ref: b.ref("web:1")})
	b.give(b.ref("web:1"), b.ref("copy:1"))
	b.give(b.ref("web:1"), "127.0.0.1:1/copy:1")
	before := b.names()
	push := func(ref string, all bool) error {
		return b.Push(t.Context(), imagefs.PushRequest{Ref: ref, AllTags: all}, nil)
	}
	refusing := func(behavior registrytest.Behavior) error {
		b.reg.Next(registrytest.Always, "", behavior)
		defer b.reg.Behave()
		return push(b.ref("copy:1"), false)
	}
	d := b.Store().Snapshot().Images[0].Manifest.Digest.String()
	damaged := func() error {
		other := newBench(t)
		img := newImage(t, "damaged")
		other.put("web", "1", img)
		other.pull(imagefs.PullRequest{Ref: other.ref("web:1")})
		other.give(other.ref("web:1"), b.ref("damaged:1"))
		path := filepath.Join(other.Store().Dir(), "blobs", "sha256", img.Layers[0].Descriptor.Digest.Encoded())
		if err := os.WriteFile(path, []byte("damage"), 0o644); err != nil {
			t.Fatal(err)
		}
		return other.Push(t.Context(), imagefs.PushRequest{Ref: b.ref("damaged:1")}, nil)
	}
	checkFailures(t, "push", []failure{
		{"bad reference", imagefs.Invalid, "must be lowercase", push(b.ref("Web"), false)},
		{"a digest", imagefs.Invalid, "cannot push a digest reference", push(b.ref("web@"+d), false)},
		{"a tag and all tags", imagefs.Invalid, "tag can't be used with --all-tags/-a", push(b.ref("web:1"), true)},
		{"no such repository", imagefs.NotFound, "An image does not exist locally with the tag: ", push(b.ref("nope:1"), false)},
		{"no such tag", imagefs.NotFound, "tag does not exist: ", push(b.ref("web:9"), false)},
		{"no login", imagefs.Denied, "no basic auth credentials",
			refusing(registrytest.Status(401, "", "WWW-Authenticate", "Basic realm=x"))},
		{"authentication required", imagefs.Denied, "unauthorized: authentication required",
			refusing(registrytest.Error(403, "UNAUTHORIZED", "authentication required"))},
		{"denied", imagefs.Denied, "denied: requested access to the resource is denied",
			refusing(registrytest.Error(403, "DENIED", "requested access to the resource is denied"))},
		{"not listening", imagefs.Refused, "connection refused", push("127.0.0.1:1/copy:1", false)},
		{"a manifest refused", imagefs.Corrupt, "manifest invalid", func() error {
			b.reg.Next(1, "PUT .*/manifests/", registrytest.Error(400, "MANIFEST_INVALID", "manifest invalid"))
			return push(b.ref("copy:1"), false)
		}()},
		{"a damaged layer", imagefs.Corrupt, "its sha256 is", damaged()},
	})
	if diff := cmp.Diff(before, b.names()); diff != "" {
		t.Errorf("the names changed: %s", diff)
	}
	if err := push(b.ref("nope"), true); err == nil {
		t.Error("pushed all tags of nothing")
	}
	var e *imagefs.Error
	if err := push(b.ref("web:9"), false); !errors.As(err, &e) || e.Subject != b.ref("web:9") || e.Hint == "" {
		t.Errorf("got %v", err)
	}
}
