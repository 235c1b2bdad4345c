package imagefs_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// load loads, and fails the test if that fails.
func (b *bench) load(archive []byte) ([]*store.Image, []string) {
	b.t.Helper()
	var r record
	images, err := b.Load(b.t.Context(), bytes.NewReader(archive), &r)
	if err != nil {
		b.t.Fatalf("load: %v", err)
	}
	return images, r.lines
}

// archiveOf saves.
func (b *bench) archiveOf(refs ...string) []byte {
	b.t.Helper()
	var out bytes.Buffer
	if err := b.Save(b.t.Context(), imagefs.SaveRequest{Refs: refs}, &out); err != nil {
		b.t.Fatal(err)
	}
	return out.Bytes()
}

func TestLoad(t *testing.T) {
	from, b := saveBench(t), newBench(t)
	one, two := newImage(t, "a").ID.String(), newImage(t, "a", "b").ID.String()
	for _, test := range []struct {
		refs, lines []string
	}{
		{[]string{"web:1", "web:3"}, []string{"Loaded image: web:1", "Loaded image: web:3"}},
		{[]string{"web:1"}, []string{"Loaded image: web:1"}},
		{[]string{one}, []string{"Loaded image ID: " + one}},
	} {
		images, lines := b.load(from.archiveOf(test.refs...))
		if diff := cmp.Diff(test.lines, lines); diff != "" {
			t.Error(diff)
		}
		if len(images) != len(test.refs) || images[0].ID.String() != one {
			t.Errorf("%v: %v", test.refs, images)
		}
	}
	if err := b.Tag(t.Context(), "web:3", "web:1"); err != nil {
		t.Fatal(err)
	}
	_, lines := b.load(from.archiveOf("web:1"))
	want := []string{
		"The image web:1 already exists, renaming the old one with ID " + two + " to empty string", "Loaded image: web:1",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	events := b.past("event=load")
	if len(events) != 5 || events[0].Actor.Attributes["name"] != one {
		t.Errorf("events %+v", events)
	}
}

func TestLoadFails(t *testing.T) {
	root := t.TempDir()
	e := imagefs.New(storetest.Open(t, root), registry.New(registry.Options{DockerConfig: t.TempDir()}))
	newImage(t, "here").Publish(t, e.Store(), "docker.io/library/here:1")
	before := listing(t, root)
	var failures []failure
	for _, test := range failingLoads {
		archive := test.archive(t, newImage(t, "a", "b"))
		path := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(path, archive, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var r record
		_, err = e.LoadFile(t.Context(), f, &r)
		failures = append(failures, failure{test.name, test.kind, test.says, err})
		if _, err := e.Load(t.Context(), bytes.NewReader(archive), &r); err == nil || imagefs.KindOf(err) != test.kind {
			t.Errorf("%s, as a stream: %v", test.name, err)
		}
		if len(r.lines) > 0 {
			t.Errorf("%s: %q", test.name, r.lines)
		}
		if diff := cmp.Diff(before, listing(t, root)); diff != "" {
			t.Errorf("%s leaves %s", test.name, diff)
		}
	}
	checkFailures(t, "load", failures)
}

// listing is what a store's root has, but for locks and what belongs to a process while it lives.
func listing(t *testing.T, root string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, root)
		empty := d.IsDir() && (strings.HasPrefix(name, "/ingest") || name == "/mounts")
		if err == nil && !empty && !strings.HasSuffix(name, "lock") {
			paths = append(paths, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

type failingLoad struct {
	name    string
	archive func(t *testing.T, img storetest.Image) []byte
	kind    imagefs.Kind
	says    string
}

// dockerArchive is for a docker-archive that is wrong, made of a sound one.
func dockerArchive(spoil func(*[]layertest.Entry)) func(*testing.T, storetest.Image) []byte {
	return func(t *testing.T, img storetest.Image) []byte {
		manifest := []map[string]any{{"Config": "config.json", "RepoTags": []string{"web:1"}, "Layers": []string{"0.tar", "1.tar"}}}
		entries := []layertest.Entry{
			layertest.File("manifest.json", string(mustJSON(t, manifest))), layertest.File("config.json", string(img.Config)),
			layertest.File("0.tar", string(img.Layers[0].Blob)), layertest.File("1.tar", string(img.Layers[1].Blob)),
		}
		spoil(&entries)
		return layertest.Tar(t, entries...)
	}
}

// without leaves an entry out.
func without(name string) func(*[]layertest.Entry) {
	return func(entries *[]layertest.Entry) {
		*entries = slices.DeleteFunc(*entries, func(e layertest.Entry) bool { return e.Name == name })
	}
}

// with changes the content of an entry.
func with(name, old, new string) func(*[]layertest.Entry) {
	return func(entries *[]layertest.Entry) {
		for i := range *entries {
			if e := &(*entries)[i]; e.Name == name {
				e.Body = strings.Replace(e.Body, old, new, 1)
				if old == "" {
					e.Body = new
				}
			}
		}
	}
}

// layout is for an OCI archive that is wrong: spoil may change the image, and leave out entries.
func layout(spoil func(img *storetest.Image, desc *ocispec.Descriptor), absent ...int) func(*testing.T, storetest.Image) []byte {
	return func(t *testing.T, img storetest.Image) []byte {
		desc := img.Descriptor
		desc.Annotations = map[string]string{ocispec.AnnotationRefName: "web:1"}
		names := []digest.Digest{desc.Digest, img.ID, img.Layers[0].Descriptor.Digest, img.Layers[1].Descriptor.Digest}
		spoil(&img, &desc)
		var entries []layertest.Entry
		for i, data := range [][]byte{img.Manifest, img.Config, img.Layers[0].Blob, img.Layers[1].Blob} {
			if !slices.Contains(absent, i) {
				entries = append(entries, layertest.File("blobs/sha256/"+names[i].Encoded(), string(data)))
			}
		}
		index := ocispec.Index{Manifests: []ocispec.Descriptor{desc}}
		return layertest.Tar(t, append(entries, layertest.File("index.json", string(mustJSON(t, index))))...)
	}
}

func sound(*storetest.Image, *ocispec.Descriptor) {}

var failingLoads = []failingLoad{
	{"empty", func(*testing.T, storetest.Image) []byte { return nil }, imagefs.Invalid, "it is empty"},
	{
		"no archive", func(*testing.T, storetest.Image) []byte { return bytes.Repeat([]byte("hello\n"), 1000) },
		imagefs.Invalid, "unsupported image archive: invalid tar header",
	},
	{
		"a few bytes", func(*testing.T, storetest.Image) []byte { return []byte("hello\n") },
		imagefs.Invalid, "unsupported image archive",
	},
	{
		"a root file system", func(t *testing.T, _ storetest.Image) []byte {
			return layertest.Tar(t, layertest.File("etc/passwd", ""))
		},
		imagefs.Invalid, "neither manifest.json nor index.json in it names an image",
	},
	{
		"damaged gzip",
		func(t *testing.T, img storetest.Image) []byte {
			whole := storetest.Gzip(t, dockerArchive(func(*[]layertest.Entry) {})(t, img)).Blob
			whole[len(whole)-6] ^= 1 // of the checksum
			return whole
		},
		imagefs.Corrupt, "damaged image archive",
	},
	{
		"cut short",
		func(t *testing.T, img storetest.Image) []byte {
			whole := dockerArchive(func(*[]layertest.Entry) {})(t, img)
			return whole[:len(whole)-1024-512-300] // within the last header
		},
		imagefs.Corrupt, "it is cut short in or after 0.tar",
	},
	{
		"cut short, compressed",
		func(t *testing.T, img storetest.Image) []byte {
			whole := storetest.Zstd(t, dockerArchive(func(*[]layertest.Entry) {})(t, img)).Blob
			return whole[:len(whole)-50]
		},
		imagefs.Corrupt, "it is cut short",
	},
	{
		"more bytes than there are",
		dockerArchive(func(entries *[]layertest.Entry) {
			var header bytes.Buffer
			_ = tar.NewWriter(&header).WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "huge", Size: 1 << 40})
			*entries = append(*entries, layertest.Entry{Raw: header.Bytes()})
		}),
		imagefs.Corrupt, "it is cut short in or after huge",
	},
	{"no images", dockerArchive(with("manifest.json", "", "[]")), imagefs.Corrupt, "it names no image"},
	{"manifest that is no JSON", dockerArchive(with("manifest.json", "]", "")), imagefs.Corrupt, "manifest.json"},
	{"bad name", dockerArchive(with("manifest.json", "web:1", "Web:1")), imagefs.Corrupt, "must be lowercase"},
	{"name without a tag", dockerArchive(with("manifest.json", "web:1", "web")), imagefs.Corrupt, `invalid tag "web"`},
	{"no config", dockerArchive(without("config.json")), imagefs.Corrupt, "config.json: it is missing"},
	{"config that is no JSON", dockerArchive(with("config.json", "}", "")), imagefs.Corrupt, "invalid image configuration"},
	{
		"fewer diffIDs", dockerArchive(with("manifest.json", `"0.tar",`, `"0.tar","0.tar",`)),
		imagefs.Corrupt, "invalid manifest, layers length mismatch: expected 3, got 2",
	},
	{"no layer", dockerArchive(without("1.tar")), imagefs.NotFound, "neither the archive nor the store has sha256:"},
	{"wrong layer", dockerArchive(with("manifest.json", "0.tar", "1.tar")), imagefs.Corrupt, "invalid diffID: expected"},
	{"layer that is no tar", dockerArchive(with("1.tar", "", "\x1f\x8b no")), imagefs.Corrupt, "1.tar"},
	{
		"links that go round",
		dockerArchive(func(entries *[]layertest.Entry) {
			without("1.tar")(entries)
			*entries = append(*entries, layertest.Symlink("1.tar", "2.tar"), layertest.Symlink("2.tar", "1.tar"))
		}),
		imagefs.NotFound, "neither the archive nor the store has sha256:",
	},
	{"no manifest", layout(sound, 0), imagefs.Corrupt, "it is missing"},
	{"no layer blob", layout(sound, 3), imagefs.NotFound, "neither the archive nor the store has sha256:"},
	{
		"wrong manifest", layout(func(img *storetest.Image, _ *ocispec.Descriptor) { img.Manifest = append(img.Manifest, ' ') }),
		imagefs.Corrupt, "blob: got sha256:",
	},
	{
		"wrong size", layout(func(_ *storetest.Image, desc *ocispec.Descriptor) { desc.Size++ }),
		imagefs.Corrupt, "where its descriptor says",
	},
	{
		"wrong blob", layout(func(img *storetest.Image, _ *ocispec.Descriptor) { img.Layers[0].Blob = img.Layers[1].Blob }),
		imagefs.Corrupt, "blob: got sha256:",
	},
	{
		"no images, OCI",
		func(t *testing.T, _ storetest.Image) []byte {
			return layertest.Tar(t, layertest.File("index.json", `{"manifests":[]}`))
		},
		imagefs.Invalid, "neither manifest.json nor index.json in it names an image",
	},
	{
		"artifact",
		func(t *testing.T, img storetest.Image) []byte {
			raw := bytes.ReplaceAll(img.Manifest, []byte(ocispec.MediaTypeImageConfig), []byte("application/x-chart"))
			desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
			return layertest.Tar(t, layertest.File("blobs/sha256/"+desc.Digest.Encoded(), string(raw)),
				layertest.File("index.json", string(mustJSON(t, ocispec.Index{Manifests: []ocispec.Descriptor{desc}}))))
		},
		imagefs.Unsupported, "unsupported media type application/x-chart",
	},
}

// TestLoadOpensNothingElse gives a layout whose files are not what they should be: nothing waits, or leaves the directory.
func TestLoadOpensNothingElse(t *testing.T) {
	b := newBench(t)
	for _, make := range []func(path string) error{
		func(path string) error { return syscall.Mkfifo(path, 0o600) },
		func(path string) error { return os.Symlink("/dev/zero", path) },
		func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		dir := t.TempDir()
		if err := make(filepath.Join(dir, "index.json")); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if images, err := b.LoadFile(t.Context(), f, nil); err == nil {
			t.Errorf("loaded %v", images)
		}
	}
}

// TestLoadInterrupted ends the stream with an error of its own, and by cancelling: the store stays as it was.
func TestLoadInterrupted(t *testing.T) {
	root := t.TempDir()
	e := imagefs.New(storetest.Open(t, root), registry.New(registry.Options{DockerConfig: t.TempDir()}))
	before := listing(t, root)
	whole := dockerArchive(func(*[]layertest.Entry) {})(t, newImage(t, "a", "b"))
	half := bytes.NewReader(whole[:len(whole)/2])
	if _, err := e.Load(t.Context(), io.MultiReader(half, iotest.ErrReader(syscall.ENOSPC)), nil); imagefs.KindOf(err) != imagefs.NoSpace {
		t.Errorf("a reader that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	half.Reset(whole[:len(whole)/2])
	rest := readerFunc(func(p []byte) (int, error) {
		cancel()
		return copy(p, whole[len(whole)/2:]), io.EOF
	})
	if _, err := e.Load(ctx, io.MultiReader(half, rest), nil); imagefs.KindOf(err) != imagefs.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if diff := cmp.Diff(before, listing(t, root)); diff != "" {
		t.Error(diff)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestLoadAtOnce loads one archive several times at the same time.
func TestLoadAtOnce(t *testing.T) {
	archive, b := saveBench(t).archiveOf("web"), newBench(t)
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			images, err := b.Load(t.Context(), bytes.NewReader(archive), nil)
			if err == nil && len(images) != 2 {
				err = fmt.Errorf("loaded %v", images)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if snap := b.Store().Snapshot(); len(snap.Images) != 2 || len(snap.References) != 3 {
		t.Errorf("%v %v", snap.Images, snap.References)
	}
}
