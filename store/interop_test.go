package store_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// peer runs another program, and returns what it prints.
func peer(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		var detail []byte
		if exit, ok := err.(*exec.ExitError); ok {
			detail = exit.Stderr
		}
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, detail)
	}
	return out
}

func TestSkopeoReadsTheRoot(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", "1"))))
	img.Publish(t, s, "docker.io/library/alpine:3.19")
	for _, name := range []string{"docker.io/library/alpine:3.19", "docker.io/library/alpine@" + img.Descriptor.Digest.String()} {
		raw := peer(t, "skopeo", "inspect", "--raw", "oci:"+s.Dir()+":"+name)
		if !bytes.Equal(raw, img.Manifest) {
			t.Errorf("%s is %s", name, raw)
		}
	}
	copied := filepath.Join(t.TempDir(), "copy")
	peer(t, "skopeo", "copy", "oci:"+s.Dir()+":docker.io/library/alpine:3.19", "oci:"+copied+":alpine")
	peer(t, "umoci", "unpack", "--rootless", "--image", copied+":alpine", filepath.Join(t.TempDir(), "bundle"))
}

func TestUmociReadsTheRoot(t *testing.T) {
	s := storetest.New(t)
	storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", "1")))).Publish(t, s, "docker.io/library/alpine:3.19")
	if tags := peer(t, "umoci", "list", "--layout", s.Dir()); !strings.Contains(string(tags), "docker.io/library/alpine:3.19\n") {
		t.Errorf("tags: %s", tags)
	}
}

func TestSkopeoWritesIntoTheRoot(t *testing.T) {
	s := storetest.New(t)
	ours := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("ours", "1"))))
	ours.Publish(t, s, "docker.io/library/ours:1")

	other := storetest.New(t)
	theirs := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("theirs", "1"))))
	theirs.Publish(t, other, "docker.io/library/theirs:2")
	peer(t, "skopeo", "copy", "oci:"+other.Dir()+":docker.io/library/theirs:2", "oci:"+s.Dir()+":docker.io/library/theirs:2")

	if snap, err := s.Refresh(); err != nil || len(snap.Images) != 1 || len(snap.References) != 3 {
		t.Fatalf("before adopting: %v, %v", snap, err)
	}
	if err := s.Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	ref := snap.Reference("docker.io/library/theirs:2")
	if ref == nil || len(ref.Images) != 1 || ref.Images[0].ID != theirs.ID || !ref.Updated.IsZero() {
		t.Errorf("theirs is %v", ref)
	}
	if snap.Image(ours.ID) == nil {
		t.Error("ours is gone")
	}
}

func TestAdoptsAForeignLayout(t *testing.T) {
	from := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", "1"))))
	img.Publish(t, from, "docker.io/library/box:1")
	dir := filepath.Join(t.TempDir(), "layout")
	peer(t, "skopeo", "copy", "oci:"+from.Dir()+":docker.io/library/box:1", "oci:"+dir+":v1")
	peer(t, "umoci", "config", "--image", dir+":v1", "--tag", "built", "--config.user", "nobody")
	foreign := addForeignFields(t, dir)

	s := storetest.Open(t, dir)
	if err := s.Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	for name, want := range map[string]int{"docker.io/library/v1:latest": 1, "docker.io/library/built:latest": 1} {
		if ref := snap.Reference(name); ref == nil || len(ref.Images) != want {
			t.Errorf("%s is %v", name, ref)
		}
	}
	if len(snap.Images) != 2 || snap.Images[0].ID == snap.Images[1].ID {
		t.Fatalf("images %v", snap.Images)
	}
	tree, err := s.Tree(snap.Images[0])
	if err != nil || tree.Len() != 2 {
		t.Errorf("tree: %v", err)
	}
	other := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("g", "1"))))
	other.Publish(t, s, "docker.io/library/v1:latest")
	checkForeignFields(t, dir, foreign)
	if snap := s.Snapshot(); len(snap.Images) != 3 {
		t.Errorf("the image that v1 was is lost: %v", snap.Images)
	}
	peer(t, "umoci", "stat", "--image", dir+":built")
}

// addForeignFields puts fields into index.json that nobody knows, and a descriptor of something else.
func addForeignFields(t *testing.T, dir string) digest.Digest {
	t.Helper()
	x := readIndexFile(t, dir)
	x["x-field"] = json.RawMessage(`{"a": [1, 2.50]}`)
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal(x["manifests"], &entries); err != nil {
		t.Fatal(err)
	}
	d := digest.FromString("nowhere")
	for _, e := range entries {
		e["x-entry"] = json.RawMessage(`18446744073709551615`)
	}
	entries = append(entries, map[string]json.RawMessage{
		"mediaType": json.RawMessage(`"application/x"`), "size": json.RawMessage("1"),
		"digest": json.RawMessage(`"` + d.String() + `"`), "annotations": json.RawMessage(`{"org.opencontainers.image.ref.name":"No Name!"}`),
	})
	x["manifests"] = marshal(t, entries)
	if err := os.WriteFile(filepath.Join(dir, ocispec.ImageIndexFile), marshal(t, x), 0o644); err != nil {
		t.Fatal(err)
	}
	return d
}

func checkForeignFields(t *testing.T, dir string, d digest.Digest) {
	t.Helper()
	x := readIndexFile(t, dir)
	if string(x["x-field"]) != `{"a":[1,2.50]}` {
		t.Errorf("x-field is %s", x["x-field"])
	}
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal(x["manifests"], &entries); err != nil {
		t.Fatal(err)
	}
	kept, foreign := 0, false
	for _, e := range entries {
		if string(e["x-entry"]) == `18446744073709551615` {
			kept++
		}
		foreign = foreign || string(e["digest"]) == `"`+d.String()+`"` && strings.Contains(string(e["annotations"]), "No Name!")
	}
	if kept != 2 || !foreign {
		t.Errorf("%d entries and foreign %v are left: %s", kept, foreign, x["manifests"])
	}
}

func readIndexFile(t *testing.T, dir string) map[string]json.RawMessage {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, ocispec.ImageIndexFile))
	if err != nil {
		t.Fatal(err)
	}
	x := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &x); err != nil {
		t.Fatal(err)
	}
	return x
}

func marshal(t *testing.T, v any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
