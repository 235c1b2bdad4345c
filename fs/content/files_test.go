package content

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestFilesOfAnImage(t *testing.T) {
	s := stock(t)
	dir := s.other.ID.Encoded() + "/"
	inspect, err := imagefs.Inspect(s.store, s.store.Snapshot(), s.other)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := imagefs.History(s.store, s.other)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"digest":       s.other.Manifest.Digest.String() + "\n",
		"created":      created + "\n",
		"size":         "2097224\n",
		"inspect.json": string(inspect),
		"history":      string(imagefs.HistoryTable(rows)),
		"history.json": string(imagefs.HistoryJSON(rows)),
		"index.json":   string(s.index.Raw),
		"platforms": fmt.Sprintf("%-16s  %s  %d  %s\n%-16s  %s  123  -\n",
			"linux/"+host.Architecture, s.other.Manifest.Digest, s.other.Manifest.Size, s.other.ID,
			"linux/riscv64/v9", digest.FromString("absent")),
		"oci/oci-layout": `{"imageLayoutVersion":"1.0.0"}`,
	} {
		diff(t, name, content(t, s.fs, dir+name), want)
	}
	for name, want := range map[string]digest.Digest{"config.json": s.other.ID, "manifest.json": s.other.Manifest.Digest} {
		if got := digest.FromString(content(t, s.fs, dir+name)); got != want {
			t.Errorf("%s has digest %s, not %s", name, got, want)
		}
	}
	own := strings.Fields(content(t, s.fs, s.small.ID.Encoded()+"/platforms"))
	diff(t, "platforms without an index", own, []string{
		"linux/" + host.Architecture, s.small.Manifest.Digest.String(), fmt.Sprint(s.small.Manifest.Size), s.small.ID.String(),
	})
	if _, status := lookup(t, s.fs, resolve(t, s.fs, s.small.ID.Encoded()).NodeId, "index.json"); !status.Ok() {
		t.Errorf("index.json: %v", status)
	}
}

func TestOCILayout(t *testing.T) {
	s := stock(t)
	oci := s.other.ID.Encoded() + "/oci/"
	var index ocispec.Index
	if err := json.Unmarshal([]byte(content(t, s.fs, oci+"index.json")), &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Manifests) != 1 || index.Manifests[0].Digest != s.other.Manifest.Digest {
		t.Fatalf("index: %+v", index)
	}
	diff(t, "annotations", index.Manifests[0].Annotations, map[string]string{ocispec.AnnotationRefName: "latest"})
	blobs := readdirplus(t, s.fs, resolve(t, s.fs, oci+"blobs/sha256").NodeId, 4096)
	if len(blobs) != 2+5 {
		t.Errorf("%d entries in blobs", len(blobs))
	}
	for _, b := range blobs[2:] {
		if got := digest.FromString(content(t, s.fs, oci+"blobs/sha256/"+b.Name)); got.Encoded() != b.Name {
			t.Errorf("blob %s has digest %s", b.Name, got)
		}
	}
}

func TestLayerFiles(t *testing.T) {
	s := stock(t)
	k := 1
	dir := s.app.ID.Encoded() + "/layers/01-" + s.app.Chains[k].DiffID.Encoded()[:12] + "/"
	diff(t, "created_by", content(t, s.fs, dir+"created_by"), "ADD layer1\n")
	diff(t, "whiteouts", content(t, s.fs, dir+"whiteouts"), `bin/other
data/
odd\ \377\n\\name
`)
	if got := digest.FromString(content(t, s.fs, dir+"layer.tar")); got != s.app.Chains[k].DiffID {
		t.Errorf("layer.tar has digest %s", got)
	}
	var about map[string]any
	if err := json.Unmarshal([]byte(content(t, s.fs, dir+"layer.json")), &about); err != nil {
		t.Fatal(err)
	}
	diff(t, "layer.json", about, map[string]any{
		"diffID": s.app.Chains[k].DiffID.String(), "chainID": s.app.Chains[k].ChainID.String(),
		"mediaType": s.app.Layers[k].MediaType, "digest": s.app.Layers[k].Digest.String(),
		"size": float64(s.app.Layers[k].Size), "tarSize": float64(len(content(t, s.fs, dir+"layer.tar"))),
		"created": created, "created_by": "ADD layer1", "author": "me", "comment": "by hand",
	})
}

// TestManyLayers checks that the names of layers sort by their position, and that a layer that comes twice is one blob.
func TestManyLayers(t *testing.T) {
	base := storetest.Tar(layertest.Tar(t, layertest.File("a", "a")))
	layers := make([]storetest.Layer, 101)
	for i := range layers {
		layers[i] = base
	}
	st := storetest.New(t)
	im := storetest.NewImage(t, layers...).Publish(t, st, "docker.io/library/deep:latest")
	f := New(st, nil, t.Logf)
	list := readdirplus(t, f, resolve(t, f, im.ID.Encoded()+"/layers").NodeId, 4096)
	if first, last := list[2].Name[:4], list[102].Name[:4]; first != "000-" || last != "100-" {
		t.Errorf("layers go from %s to %s", first, last)
	}
	if blobs := readdirplus(t, f, resolve(t, f, im.ID.Encoded()+"/oci/blobs/sha256").NodeId, 4096); len(blobs) != 2+3 {
		t.Errorf("%d entries in blobs", len(blobs))
	}
	list = readdirplus(t, f, resolve(t, f, im.ID.Encoded()+"/rootfs").NodeId, 4096)
	if len(list) != 3 || list[2].Ino>>32 != uint64(im.Chains[100].Number) {
		t.Errorf("rootfs: %v", list)
	}
}

func TestImageWithoutLayersOrTime(t *testing.T) {
	st := storetest.New(t)
	im := storetest.NewImageWithConfig(t, ocispec.Image{Platform: host, RootFS: ocispec.RootFS{Type: "layers"}}).
		Publish(t, st, "docker.io/library/empty:latest")
	f := New(st, nil, t.Logf)
	dir := im.ID.Encoded()
	if list := readdirplus(t, f, resolve(t, f, dir+"/rootfs").NodeId, 4096); len(list) != 2 {
		t.Errorf("rootfs: %v", list)
	}
	if list := readdirplus(t, f, resolve(t, f, dir+"/layers").NodeId, 4096); len(list) != 2 {
		t.Errorf("layers: %v", list)
	}
	if out := resolve(t, f, dir); out.Mtime != 0 {
		t.Errorf("mtime %d", int64(out.Mtime))
	}
}

func TestEscapeIsThatOfLs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"plain", "a b", `back\slash`, "new\nline", "\a\b\t\v\f\r", "\x01\x7f", "\xff\xfe", "grün-日本", "half\xe6\x97", "'\"$*",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("ls", "-b", "--", name)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C.UTF-8")
		want, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "escaped", escape(name)+"\n", string(want))
	}
}
