package imagefs_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs"
)

// savedImage is an image in manifest.json.
type savedImage struct{ RepoTags, Layers []string }

// save saves, and returns the archive's manifest.json and how many entries it has.
func (b *bench) save(req imagefs.SaveRequest) (manifest []savedImage, entries int) {
	b.t.Helper()
	var out bytes.Buffer
	if err := b.Save(b.t.Context(), req, &out); err != nil {
		b.t.Fatalf("save %v: %v", req.Refs, err)
	}
	r := tar.NewReader(&out)
	for ; ; entries++ {
		h, err := r.Next()
		if err == io.EOF {
			return manifest, entries
		}
		if err != nil {
			b.t.Fatal(err)
		}
		if h.Name != "manifest.json" {
			continue
		}
		if err := json.NewDecoder(r).Decode(&manifest); err != nil {
			b.t.Fatal(err)
		}
	}
}

// saveBench has web:1 and web:2, which are one image, and web:3, which is another on the same layer.
func saveBench(t *testing.T) *bench {
	b := newBench(t)
	newImage(t, "a").Publish(t, b.Store(), "docker.io/library/web:1")
	newImage(t, "a").Publish(t, b.Store(), "docker.io/library/web:2")
	newImage(t, "a", "b").Publish(t, b.Store(), "docker.io/library/web:3")
	return b
}

func TestSave(t *testing.T) {
	b := saveBench(t)
	id := newImage(t, "a").ID
	for _, test := range []struct {
		refs []string
		tags [][]string
	}{
		{[]string{"web:1"}, [][]string{{"web:1"}}},
		{[]string{"web:3", "docker.io/library/web:2", "web:1", "web:2"}, [][]string{{"web:3"}, {"web:2", "web:1"}}},
		{[]string{"web"}, [][]string{{"web:1", "web:2"}, {"web:3"}}},
		{[]string{id.String(), id.Encoded()[:12]}, [][]string{nil}},
		{[]string{"sha256:" + id.Encoded()[:12], "web:1"}, [][]string{{"web:1"}}},
		{[]string{"web@" + newImage(t, "a").Descriptor.Digest.String()}, [][]string{nil}},
	} {
		manifest, _ := b.save(imagefs.SaveRequest{Refs: test.refs})
		var tags [][]string
		for _, img := range manifest {
			tags = append(tags, img.RepoTags)
		}
		if diff := cmp.Diff(test.tags, tags); diff != "" {
			t.Errorf("%v: %s", test.refs, diff)
		}
	}
	if _, n := b.save(imagefs.SaveRequest{Refs: []string{"web"}}); n != 1+2+2 {
		t.Errorf("%d entries", n)
	}
	if _, n := b.save(imagefs.SaveRequest{Refs: []string{"web:3"}, NotIn: []string{"web:1"}}); n != 1+1+1 {
		t.Errorf("%d entries without those of web:1", n)
	}
	if _, n := b.save(imagefs.SaveRequest{Refs: []string{"web:3"}, Format: "oci-archive"}); n != 2+2+2 {
		t.Errorf("%d entries of an OCI archive", n)
	}
	events := b.past("event=save", "image="+id.String())
	if len(events) == 0 || events[0].Actor.Attributes["name"] != id.String() {
		t.Errorf("events %+v", events)
	}
}

func TestSaveFails(t *testing.T) {
	b := saveBench(t)
	var out bytes.Buffer
	fails := func(name string, kind imagefs.Kind, says string, req imagefs.SaveRequest) failure {
		return failure{name, kind, says, b.Save(t.Context(), req, &out)}
	}
	checkFailures(t, "save", []failure{
		fails("no word", imagefs.Invalid, "the image is missing", imagefs.SaveRequest{}),
		fails("bad reference", imagefs.Invalid, "must be lowercase", imagefs.SaveRequest{Refs: []string{"Web"}}),
		fails("no such image", imagefs.NotFound, "No such image: nope", imagefs.SaveRequest{Refs: []string{"web:1", "nope"}}),
		fails("no such tag", imagefs.NotFound, "reference does not exist", imagefs.SaveRequest{Refs: []string{"web:9"}}),
		fails("no such ID", imagefs.NotFound, "No such image: 000000000000", imagefs.SaveRequest{Refs: []string{"000000000000"}}),
		fails("unknown format", imagefs.Invalid, "unknown format zip", imagefs.SaveRequest{Refs: []string{"web"}, Format: "zip"}),
		fails("nothing to leave out", imagefs.NotFound, "No such image: old:1",
			imagefs.SaveRequest{Refs: []string{"web"}, NotIn: []string{"old:1"}}),
	})
	if out.Len() > 0 {
		t.Errorf("%d bytes were written", out.Len())
	}
}
