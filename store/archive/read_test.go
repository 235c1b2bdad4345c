package archive_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/ulikunitz/xz"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// small is an image of three layers, of each compression, of which one is empty.
func small(t *testing.T) storetest.Image {
	t.Helper()
	return storetest.NewImage(t,
		storetest.Gzip(t, layertest.Tar(t, layertest.File("a", strings.Repeat("a", 100000)))),
		storetest.Zstd(t, layertest.Tar(t, layertest.Dir("etc"), layertest.File("etc/hostname", "box"))),
		storetest.Tar(layertest.Tar(t)),
	)
}

// tars are the layers of an image, uncompressed.
func tars(t *testing.T, img storetest.Image) (list [][]byte) {
	t.Helper()
	for _, l := range img.Layers {
		list = append(list, gunzip(t, l.Blob))
	}
	return list
}

func gunzip(t *testing.T, blob []byte) []byte {
	t.Helper()
	var r io.Reader
	var err error
	switch {
	case bytes.HasPrefix(blob, []byte{0x1f, 0x8b}):
		r, err = gzip.NewReader(bytes.NewReader(blob))
	case bytes.HasPrefix(blob, []byte{0x28, 0xb5}):
		r, err = zstd.NewReader(bytes.NewReader(blob))
	default:
		return blob
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// document is a file that is v's JSON.
func document(t *testing.T, name string, v any) layertest.Entry {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return layertest.File(name, string(raw))
}

type object = map[string]any

// layoutEntries are those of an OCI image layout with one image.
func layoutEntries(t *testing.T, img storetest.Image, refName string) []layertest.Entry {
	t.Helper()
	desc := img.Descriptor
	if refName != "" {
		desc.Annotations = map[string]string{ocispec.AnnotationRefName: refName}
	}
	return append([]layertest.Entry{
		layertest.Dir("blobs"), layertest.Dir("blobs/sha256"), blob(img.Manifest), blob(img.Config),
		document(t, "index.json", object{"schemaVersion": 2, "manifests": []ocispec.Descriptor{desc}}),
		document(t, "oci-layout", object{"imageLayoutVersion": "1.0.0"}),
	}, layerBlobs(img)...)
}

func layerBlobs(img storetest.Image) (list []layertest.Entry) {
	for _, l := range img.Layers {
		list = append(list, blob(l.Blob))
	}
	return list
}

func blob(data []byte) layertest.Entry {
	return layertest.File("blobs/sha256/"+digest.FromBytes(data).Encoded(), string(data))
}

// form is an archive as some program writes it, of the image small.
type form struct {
	name    string
	entries func(t *testing.T, img storetest.Image, tars [][]byte) []layertest.Entry
	intact  bool // its manifest is kept
}

var forms = []form{
	{"docker 20.10", func(t *testing.T, img storetest.Image, tars [][]byte) []layertest.Entry {
		return []layertest.Entry{
			layertest.Dir("1111"), layertest.File("1111/VERSION", "1.0"), layertest.File("1111/json", "{}"),
			layertest.File("1111/layer.tar", string(tars[0])),
			layertest.Dir("2222"), layertest.File("2222/layer.tar", string(tars[1])),
			layertest.Dir("3333"), layertest.File("3333/layer.tar", string(tars[2])),
			layertest.File("abc.json", string(img.Config)),
			document(t, "manifest.json", []object{{
				"Config": "abc.json", "RepoTags": []string{"web:v1"},
				"Layers": []string{"1111/layer.tar", "2222/layer.tar", "3333/layer.tar"},
			}}),
			layertest.File("repositories", `{"web":{"v1":"3333"}}`),
		}
	}, false},
	{"docker 25", func(t *testing.T, img storetest.Image, tars [][]byte) []layertest.Entry {
		names := []string{}
		for _, l := range img.Layers {
			names = append(names, "blobs/sha256/"+l.Descriptor.Digest.Encoded())
		}
		return append(layoutEntries(t, img, "docker.io/library/web:v1"),
			document(t, "manifest.json", []object{{
				"Config": "blobs/sha256/" + img.ID.Encoded(), "RepoTags": []string{"web:v1"}, "Layers": names,
			}}))
	}, true},
	{"bazel", func(t *testing.T, img storetest.Image, tars [][]byte) []layertest.Entry {
		return []layertest.Entry{
			layertest.File("./one.tar", string(tars[0])), layertest.File("./two.tar.gz", string(img.Layers[0].Blob)),
			layertest.File("./empty.tar", string(tars[2])), layertest.File("./etc.tar", string(tars[1])),
			layertest.Symlink("a/layer.tar", "../one.tar"), layertest.Symlink("b/layer.tar", "/c/layer.tar"),
			layertest.Link("c/layer.tar", "./etc.tar"), layertest.Symlink("d/layer.tar", "../../../../empty.tar"),
			layertest.File("./config.json", string(img.Config)),
			document(t, "./manifest.json", []object{{
				"Config": "config.json", "RepoTags": []string{"docker.io/library/web:v1"},
				"Layers": []string{"a/layer.tar", "b/layer.tar", "d/layer.tar"},
			}}),
		}
	}, false},
	{"compressed layers", func(t *testing.T, img storetest.Image, _ [][]byte) []layertest.Entry {
		return []layertest.Entry{
			document(t, "manifest.json", []object{{
				"Config": "sha256:1", "RepoTags": []string{"web:v1"}, "Layers": []string{"1.tar.gz", "2", "/3"},
			}}),
			layertest.File("sha256:1", string(img.Config)), layertest.File("1.tar.gz", string(img.Layers[0].Blob)),
			layertest.File("2", string(img.Layers[1].Blob)), layertest.File("3", string(img.Layers[2].Blob)),
		}
	}, false},
	{"names twice", func(t *testing.T, img storetest.Image, tars [][]byte) []layertest.Entry {
		return []layertest.Entry{
			layertest.File("manifest.json", "[]"), layertest.File("c", "no config"), layertest.File("1", string(tars[1])),
			layertest.File("1", string(tars[0])), layertest.File("2", string(tars[1])), layertest.File("3", string(tars[2])),
			layertest.File("c", string(img.Config)),
			document(t, "manifest.json", []object{{
				"Config": "c", "RepoTags": []string{"web:v1"}, "Layers": []string{"1", "2", "3"},
			}}),
		}
	}, false},
	{"skopeo, OCI", func(t *testing.T, img storetest.Image, _ [][]byte) []layertest.Entry {
		return layoutEntries(t, img, "web:v1")
	}, true},
	{"nested indexes", func(t *testing.T, img storetest.Image, _ [][]byte) []layertest.Entry {
		absent := storetest.NewImage(t)
		absent.Descriptor.Platform = &ocispec.Platform{OS: "linux", Architecture: "arm64"}
		inner := storetest.NewIndex(t, img.Descriptor, absent.Descriptor)
		outer := storetest.NewIndex(t, inner.Descriptor)
		named := outer.Descriptor
		named.Annotations = map[string]string{"io.containerd.image.name": "docker.io/library/web:v1", ocispec.AnnotationRefName: "v1"}
		return append(layerBlobs(img), blob(outer.Raw), blob(inner.Raw), blob(img.Manifest), blob(img.Config),
			document(t, "index.json", object{"manifests": []ocispec.Descriptor{named}}))
	}, true},
}

// TestForms reads each form as a stream, compressed, as a file, and as a directory.
func TestForms(t *testing.T) {
	for _, form := range forms {
		t.Run(form.name, func(t *testing.T) {
			img := small(t)
			entries := form.entries(t, img, tars(t, img))
			whole := layertest.Tar(t, entries...)
			dir := t.TempDir()
			for name, open := range map[string]func(*store.Store) (*archive.Contents, error){
				"stream": func(s *store.Store) (*archive.Contents, error) {
					return archive.Read(t.Context(), s, bytes.NewReader(whole), nil)
				},
				"xz": func(s *store.Store) (*archive.Contents, error) {
					return archive.Read(t.Context(), s, compressed(t, whole), nil)
				},
				"file": func(s *store.Store) (*archive.Contents, error) {
					return readFile(t, s, write(t, filepath.Join(dir, "x.tar"), whole))
				},
				"directory": func(s *store.Store) (*archive.Contents, error) {
					return readFile(t, s, unpack(t, filepath.Join(dir, "x"), entries))
				},
			} {
				t.Run(name, func(t *testing.T) {
					s := storetest.New(t)
					c, err := open(s)
					if err != nil {
						t.Fatal(err)
					}
					same(t, s, publish(t, c), img, form.intact)
				})
			}
		})
	}
}

func compressed(t *testing.T, data []byte) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// unpack makes a directory of entries.
func unpack(t *testing.T, dir string, entries []layertest.Entry) string {
	t.Helper()
	for _, e := range entries {
		path := filepath.Join(dir, e.Name)
		var err error
		switch e.Typeflag {
		case '0':
			write(t, path, []byte(e.Body))
		case '1':
			err = os.MkdirAll(filepath.Dir(path), 0o755)
			err = errors.Join(err, os.Link(filepath.Join(dir, e.Linkname), path))
		case '2':
			err = os.MkdirAll(filepath.Dir(path), 0o755)
			// As the archive's root is not the directory's, links to it are made relative.
			target := strings.Replace(e.Linkname, "/c/", "../c/", 1)
			err = errors.Join(err, os.Symlink(strings.Replace(target, "../../../../", "../", 1), path))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readFile(t *testing.T, s *store.Store, path string) (*archive.Contents, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return archive.ReadFile(t.Context(), s, f, nil)
}

func publish(t *testing.T, c *archive.Contents) []archive.Loaded {
	t.Helper()
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	loaded, err := c.Publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// same checks that the one image that was loaded is img, and nothing else is in the store.
func same(t *testing.T, s *store.Store, loaded []archive.Loaded, img storetest.Image, intact bool) {
	t.Helper()
	if len(loaded) != 1 || len(loaded[0].Images) != 1 || loaded[0].Images[0].ID != img.ID {
		t.Fatalf("loaded %+v", loaded)
	}
	if diff := cmp.Diff([]string{"docker.io/library/web:v1"}, loaded[0].Names); diff != "" {
		t.Error(diff)
	}
	ref := s.Snapshot().Reference("docker.io/library/web:v1")
	if ref == nil || ref.Images[0].ID != img.ID {
		t.Fatalf("reference %+v", ref)
	}
	if got := ref.Images[0].Manifest.Digest; intact && got != img.Descriptor.Digest {
		t.Errorf("manifest %s, want %s", got, img.Descriptor.Digest)
	}
	for k, chain := range ref.Images[0].Chains {
		if chain.DiffID != img.Layers[k].DiffID {
			t.Errorf("layer %d: %s", k, chain.DiffID)
		}
	}
	tree, err := s.Tree(ref.Images[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := tree.Walk("etc/hostname"); !ok || err != nil {
		t.Errorf("etc/hostname: %v, %v", ok, err)
	}
}

// TestRoundTrip loads what was saved, images that share a layer.
func TestRoundTrip(t *testing.T) {
	s, images, list := saved(t)
	docker, err := archive.NewDocker(s, list)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, docker)
	oci, err := archive.NewOCI(s, list)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, oci)
	for name, a := range map[string]*archive.Archive{"docker": docker, "oci": oci} {
		t.Run(name, func(t *testing.T) {
			other := storetest.New(t)
			c, err := archive.Read(t.Context(), other, io.NewSectionReader(a, 0, a.Size()), nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range publish(t, c) {
				got = append(got, fmt.Sprint(l.Images[0].ID, l.Names))
			}
			want := []string{fmt.Sprint(images[0].ID, list[0].Names), fmt.Sprint(images[1].ID, list[1].Names)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCompleting loads archives from which the layers of another image were left out.
func TestCompleting(t *testing.T) {
	s, images, list := saved(t)
	base := images[1].Layers[0]
	docker, err := archive.NewDocker(s, list[:1], base.DiffID)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, docker)
	oci, err := archive.NewOCI(s, list[:1], base.Descriptor.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, oci)
	for name, a := range map[string]*archive.Archive{"docker": docker, "oci": oci} {
		t.Run(name, func(t *testing.T) {
			other := storetest.New(t)
			read := func() (*archive.Contents, error) {
				return archive.Read(t.Context(), other, io.NewSectionReader(a, 0, a.Size()), nil)
			}
			_, err := read()
			var missing *archive.MissingError
			if !errors.As(err, &missing) || !slices.Equal(missing.Layers, []digest.Digest{base.DiffID}) {
				t.Fatalf("without the other image: %v", err)
			}
			images[1].Publish(t, other, "docker.io/library/base:latest")
			c, err := read()
			if err != nil {
				t.Fatal(err)
			}
			loaded := publish(t, c)
			if loaded[0].Images[0].ID != images[0].ID {
				t.Errorf("loaded %+v", loaded)
			}
		})
	}
}

// TestSkipping reads nothing of layers that the store has, where it is free to.
func TestSkipping(t *testing.T) {
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
	f, err := os.Open(write(t, filepath.Join(t.TempDir(), "x.tar"), whole.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	progress := func(name string, _, _ int64) { t.Errorf("read %s", name) }
	for _, read := range []func() (*archive.Contents, error){
		func() (*archive.Contents, error) { return archive.ReadFile(t.Context(), s, f, progress) },
		func() (*archive.Contents, error) { return archive.Read(t.Context(), s, f, progress) },
	} {
		c, err := read()
		if err != nil {
			t.Fatal(err)
		}
		if loaded := publish(t, c); len(loaded) != 2 {
			t.Errorf("loaded %+v", loaded)
		}
	}
}

// TestPassingOver loads, as a stream, a layer of which the store still has the blob but not what is derived of it.
func TestPassingOver(t *testing.T) {
	s := storetest.New(t)
	img := small(t)
	img.Publish(t, s, "docker.io/library/old:1")
	for _, l := range img.Layers {
		if err := os.RemoveAll(filepath.Join(s.Dir(), "layers", l.DiffID.Encoded())); err != nil {
			t.Fatal(err)
		}
	}
	whole := layertest.Tar(t, layoutEntries(t, img, "web:v1")...)
	c, err := archive.Read(t.Context(), s, bytes.NewReader(whole), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, s, publish(t, c), img, true)
}
