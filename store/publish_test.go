package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestPublishedImageCanBeRead(t *testing.T) {
	base := layertest.Tar(t, layertest.Dir("etc"), layertest.File("etc/hostname", "box\n"))
	top := layertest.Tar(t, layertest.Dir("etc"), layertest.File("etc/motd", "hello\n"))
	for name, layers := range map[string][]storetest.Layer{
		"gzip":    {storetest.Gzip(t, base), storetest.Gzip(t, top)},
		"zstd":    {storetest.Zstd(t, base), storetest.Zstd(t, top)},
		"tar":     {storetest.Tar(base), storetest.Tar(top)},
		"scratch": nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			img := storetest.NewImage(t, layers...)
			first := img.Publish(t, storetest.Open(t, dir), "docker.io/library/box:latest")
			s := storetest.Open(t, dir)
			again := s.Snapshot().Image(img.ID)
			if diff := cmp.Diff(first, again); diff != "" {
				t.Fatalf("after reopening (-published +read):\n%s", diff)
			}
			tree, err := s.Tree(again)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"etc/hostname": "box\n", "etc/motd": "hello\n"} {
				if layers == nil {
					continue
				}
				i, ok, err := tree.Walk(name)
				if !ok || err != nil {
					t.Fatalf("%s: %v, %v", name, ok, err)
				}
				node, err := tree.Node(i)
				if err != nil {
					t.Fatal(err)
				}
				l, err := s.Layer(again.Chains[node.Origin.Layer].DiffID)
				if err != nil {
					t.Fatal(err)
				}
				got := make([]byte, len(want))
				if _, err := l.ReadAt(node.Origin.Entry, got, 0); err != nil || string(got) != want {
					t.Errorf("%s: %q, %v", name, got, err)
				}
			}
			for k := range layers {
				if diff, err := s.DiffTree(again, k); err != nil || diff.Len() != 3 {
					t.Errorf("layer %d alone: %v", k, err)
				}
			}
		})
	}
}

func TestNumbersAreSharedAndKept(t *testing.T) {
	base := storetest.Gzip(t, layertest.Tar(t, layertest.File("base", "1")))
	one := storetest.NewImage(t, base, storetest.Gzip(t, layertest.Tar(t, layertest.File("one", "1"))))
	two := storetest.NewImage(t, base, storetest.Gzip(t, layertest.Tar(t, layertest.File("two", "2"))))
	dir := t.TempDir()
	a := one.Publish(t, storetest.Open(t, dir), "docker.io/library/one:latest")
	s := storetest.Open(t, dir)
	b := two.Publish(t, s, "docker.io/library/two:latest")
	if a.Chains[0] != b.Chains[0] || a.Chains[1].Number == b.Chains[1].Number {
		t.Errorf("chains %v and %v", a.Chains, b.Chains)
	}
	seen := map[uint32]bool{0: true, 1: true}
	snap := s.Snapshot()
	for _, img := range snap.Images {
		for n := img.Number; n <= img.Number+2; n++ {
			if seen[n] {
				t.Errorf("number %d was given before", n)
			}
			seen[n] = true
			if snap.ImageByNumber(n) != img {
				t.Errorf("number %d is not image %d's", n, img.Number)
			}
		}
		for k, c := range img.Chains {
			if seen[c.Number] && k > 0 {
				t.Errorf("number %d was given before", c.Number)
			}
			if k > 0 {
				seen[c.Number] = true
			}
			if got, chain := snap.ChainByNumber(c.Number); got == nil || *chain != c {
				t.Errorf("chain %d is %v", c.Number, chain)
			}
		}
	}
	if snap.ImageByNumber(1) != nil || snap.ImageByNumber(b.Number+3) != nil {
		t.Error("a number nobody has is somebody's")
	}
}

func TestTagMovesAndDigestStays(t *testing.T) {
	s := storetest.New(t)
	images := make([]storetest.Image, 2)
	for i := range images {
		images[i] = storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File(fmt.Sprint(i), ""))))
		images[i].Publish(t, s, "docker.io/library/box:latest")
	}
	var names []string
	snap := s.Snapshot()
	for _, r := range snap.References {
		names = append(names, r.Name)
		if len(r.Images) != 1 || r.Updated.IsZero() {
			t.Errorf("%s: %v, %v", r.Name, r.Images, r.Updated)
		}
	}
	want := []string{"docker.io/library/box:latest", "docker.io/library/box@" + images[0].Descriptor.Digest.String(), "docker.io/library/box@" + images[1].Descriptor.Digest.String()}
	if want[1] > want[2] {
		want[1], want[2] = want[2], want[1]
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if got := snap.Reference("docker.io/library/box:latest").Images[0].ID; got != images[1].ID {
		t.Errorf("the tag is %s", got)
	}
	if len(snap.Images) != 2 {
		t.Errorf("%d images", len(snap.Images))
	}
}

func TestPublishAgainChangesNothing(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", ""))))
	first := img.Publish(t, s, "docker.io/library/box:latest")
	before := stat(t, s, "index.json", "numbers")
	snap := s.Snapshot()
	if again := img.Publish(t, s, "docker.io/library/box:latest"); again != first {
		t.Errorf("another image: %v", again)
	}
	if _, err := s.Publish(t.Context(), store.Publication{Target: img.Descriptor, Manifests: []ocispec.Descriptor{img.Descriptor}}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, stat(t, s, "index.json", "numbers")); diff != "" {
		t.Errorf("files changed:\n%s", diff)
	}
	if diff := cmp.Diff(snap.References, s.Snapshot().References); diff != "" {
		t.Errorf("references changed:\n%s", diff)
	}
}

func stat(t *testing.T, s *store.Store, names ...string) (times []string) {
	t.Helper()
	for _, name := range names {
		info, err := os.Stat(filepath.Join(s.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, fmt.Sprint(name, info.Size(), info.ModTime().UnixNano()))
	}
	return times
}

func TestIndexLeadsToWhatWasPulled(t *testing.T) {
	s := storetest.New(t)
	host := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("host", ""))))
	other := storetest.NewImageWithConfig(t, ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "riscv64"},
		RootFS:   ocispec.RootFS{Type: "layers"},
	})
	absent := storetest.NewImage(t)
	attestation := absent.Descriptor
	attestation.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	x := storetest.NewIndex(t, absent.Descriptor, other.Descriptor, host.Descriptor, attestation)

	x.Publish(t, s, "docker.io/library/box:latest", other)
	got := s.Snapshot().Reference("docker.io/library/box:latest").Images
	if len(got) != 1 || got[0].ID != other.ID || got[0].Manifest.Platform.Architecture != "riscv64" {
		t.Fatalf("of one platform: %v", got)
	}
	if got[0].Index == nil || got[0].Index.Digest != x.Descriptor.Digest {
		t.Errorf("its index is %v", got[0].Index)
	}
	x.Publish(t, s, "docker.io/library/box:latest", host)
	got = s.Snapshot().Reference("docker.io/library/box:latest").Images
	if len(got) != 2 || got[0].ID != host.ID || got[1].ID != other.ID {
		t.Fatalf("of two platforms: %v", got)
	}
}

func TestImageStaysWhatItWas(t *testing.T) {
	tar := layertest.Tar(t, layertest.File("f", "1"))
	gz, zst := storetest.Gzip(t, tar), storetest.Zstd(t, tar)
	first, second := storetest.NewImage(t, gz), storetest.NewImage(t, zst)
	if first.ID != second.ID {
		t.Fatal("the test needs one config")
	}
	s := storetest.New(t)
	a := first.Publish(t, s, "docker.io/library/gz:1")
	if b := second.Publish(t, s, "docker.io/library/zst:1"); a != b {
		t.Errorf("published %v, then %v", a, b)
	}
	for _, name := range []string{"docker.io/library/gz:1", "docker.io/library/zst:1"} {
		if got := s.Snapshot().Reference(name).Images; len(got) != 1 || got[0] != a {
			t.Errorf("%s leads to %v", name, got)
		}
	}
	if err := os.Remove(blobFile(s, gz.Descriptor.Digest)); err != nil {
		t.Fatal(err)
	}
	snap := storetest.Open(t, s.Dir()).Snapshot()
	if got := snap.Reference("docker.io/library/gz:1").Images; len(got) != 0 {
		t.Errorf("an incomplete image: %v", got)
	}
	got := snap.Reference("docker.io/library/zst:1").Images
	if len(got) != 1 || got[0].Number != a.Number || got[0].Manifest.Digest != second.Descriptor.Digest {
		t.Errorf("the complete one: %v", got)
	}
}

func TestPublishRefuses(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", ""))))
	p := store.Publication{Name: "docker.io/library/box:latest", Target: img.Descriptor, Manifests: []ocispec.Descriptor{img.Descriptor}}
	if _, err := s.Publish(t.Context(), p); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("without blobs: %v", err)
	}
	img.Put(t, s)
	for _, name := range []string{"box", "docker.io/library/box", "box:latest", "..", "docker.io/library/box:latest@" + img.ID.String(), "docker.io/library/box@" + img.ID.String()} {
		p.Name = name
		if _, err := s.Publish(t.Context(), p); err == nil {
			t.Errorf("name %q is taken", name)
		}
	}
	if snap := s.Snapshot(); len(snap.Images)+len(snap.References) != 0 {
		t.Errorf("published all the same: %v", snap.References)
	}
}
