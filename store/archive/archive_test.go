package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// layers are one of each compression; the first has more than a chunk, and a payload that is kept apart.
func layers(t *testing.T) []storetest.Layer {
	t.Helper()
	noise := make([]byte, layer.LargeSize+700<<10)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	return []storetest.Layer{
		storetest.Gzip(t, layertest.Tar(t, layertest.File("noise", string(noise)), layertest.File("a", "a"))),
		storetest.Zstd(t, layertest.Tar(t, layertest.Dir("etc"), layertest.File("etc/hostname", "box"))),
		storetest.Tar(layertest.Tar(t, layertest.File("b", strings.Repeat("b", 100000)))),
	}
}

// saved is a store with two images that share their first layer.
func saved(t *testing.T) (*store.Store, []storetest.Image, []archive.Saved) {
	t.Helper()
	s := storetest.New(t)
	all := layers(t)
	images := []storetest.Image{storetest.NewImage(t, all...), storetest.NewImage(t, all[0])}
	web := images[0].Publish(t, s, "docker.io/library/web:v1")
	base := images[1].Publish(t, s, "registry.example:5000/base:latest")
	return s, images, []archive.Saved{
		{Image: web, Names: []string{"docker.io/library/web:v1", "docker.io/library/web:v2"}},
		{Image: base},
	}
}

// contents are the entries of an archive.
func contents(t *testing.T, a *archive.Archive) (names []string, files map[string][]byte) {
	t.Helper()
	var whole bytes.Buffer
	if err := a.Copy(t.Context(), &whole); err != nil {
		t.Fatal(err)
	}
	if int64(whole.Len()) != a.Size() {
		t.Errorf("%d bytes of %d", whole.Len(), a.Size())
	}
	files = make(map[string][]byte)
	r := tar.NewReader(&whole)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return names, files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.ModTime.Unix() != 0 || h.Mode != 0o644 || h.Uid != 0 {
			t.Errorf("%s: %v %o %d", h.Name, h.ModTime, h.Mode, h.Uid)
		}
		names, files[h.Name] = append(names, h.Name), data
	}
}

func TestDocker(t *testing.T) {
	s, images, list := saved(t)
	a, err := archive.NewDocker(s, list)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, a)
	names, files := contents(t, a)
	want := []string{"manifest.json", images[0].ID.Encoded() + ".json", images[1].ID.Encoded() + ".json"}
	type entry struct {
		Config           string
		RepoTags, Layers []string
	}
	manifest := []entry{
		{Config: want[1], RepoTags: []string{"web:v1", "web:v2"}},
		{Config: want[2], Layers: []string{images[1].Layers[0].DiffID.Encoded() + "/layer.tar"}},
	}
	for _, l := range images[0].Layers {
		path := l.DiffID.Encoded() + "/layer.tar"
		want = append(want, path)
		manifest[0].Layers = append(manifest[0].Layers, path)
		if got := digest.FromBytes(files[path]); got != l.DiffID {
			t.Errorf("%s is %s", path, got)
		}
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	var got []entry
	if err := json.Unmarshal(files["manifest.json"], &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(manifest, got); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(files[want[1]], images[0].Config) {
		t.Errorf("config: %s", files[want[1]])
	}
}

func TestOCI(t *testing.T) {
	s, images, list := saved(t)
	a, err := archive.NewOCI(s, list)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, a)
	names, files := contents(t, a)
	if len(names) != 2+2+2+3 {
		t.Errorf("entries: %q", names)
	}
	for _, name := range names[2:] {
		if got := digest.FromBytes(files[name]); "blobs/sha256/"+got.Encoded() != name {
			t.Errorf("%s is %s", name, got)
		}
	}
	var index ocispec.Index
	if err := json.Unmarshal(files["index.json"], &index); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range index.Manifests {
		found = append(found, m.Annotations["org.opencontainers.image.ref.name"]+" "+m.Digest.String())
	}
	if diff := cmp.Diff([]string{
		"docker.io/library/web:v1 " + images[0].Descriptor.Digest.String(),
		"docker.io/library/web:v2 " + images[0].Descriptor.Digest.String(),
		" " + images[1].Descriptor.Digest.String(),
	}, found); diff != "" {
		t.Error(diff)
	}
}

func TestLeavingOut(t *testing.T) {
	s, images, list := saved(t)
	base := images[1].Layers[0]
	docker, err := archive.NewDocker(s, list, base.DiffID)
	if err != nil {
		t.Fatal(err)
	}
	oci, err := archive.NewOCI(s, list, base.Descriptor.Digest)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []*archive.Archive{docker, oci} {
		defer closing(t, a)
		names, _ := contents(t, a)
		for _, name := range names {
			if strings.Contains(name, base.DiffID.Encoded()) || strings.Contains(name, base.Descriptor.Digest.Encoded()) {
				t.Errorf("%s is there", name)
			}
		}
	}
}

func TestReadingAnywhere(t *testing.T) {
	s, _, list := saved(t)
	a, err := archive.NewDocker(s, list)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, a)
	var whole bytes.Buffer
	if err := a.Copy(t.Context(), &whole); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		off, p := random.Int64N(a.Size()+10), make([]byte, random.IntN(300000))
		n, err := a.ReadAt(p, off)
		want := whole.Bytes()[min(off, a.Size()):min(off+int64(len(p)), a.Size())]
		if !bytes.Equal(p[:n], want) || (err == io.EOF) != (n < len(p)) || err != nil && err != io.EOF {
			t.Fatalf("%d bytes at %d: %d, %v", len(p), off, n, err)
		}
	}
	if _, err := a.ReadAt(nil, -1); err == nil {
		t.Error("read before the start")
	}
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := storetest.Open(t, dir)
	img := storetest.NewImage(t, layers(t)...)
	list := []archive.Saved{{Image: img.Publish(t, s, "docker.io/library/web:v1")}}
	path := filepath.Join(dir, "blobs/sha256", img.Layers[0].Descriptor.Digest.Encoded())
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := archive.NewOCI(s, list)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, a)
	var corrupt *layer.CorruptError
	if err := a.Copy(t.Context(), io.Discard); !errors.As(err, &corrupt) {
		t.Errorf("copied a damaged blob: %v", err)
	}
}

func TestCopyEnds(t *testing.T) {
	s, _, list := saved(t)
	a, err := archive.NewDocker(s, list)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, a)
	if err := a.Copy(t.Context(), failing{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("to a writer that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Copy(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func closing(t *testing.T, a *archive.Archive) {
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
