package store_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// files are the paths of all files below the root that are not bookkeeping.
func files(t testing.TB, root string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if rel := strings.TrimPrefix(path, root+"/"); err == nil && !d.IsDir() && !strings.HasPrefix(rel, "ingest/") {
			paths = append(paths, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// usage is what du says of the root, in bytes.
func usage(t testing.TB, root string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func collect(t testing.TB, s *store.Store) store.Collected {
	t.Helper()
	c, err := s.Collect(t.Context())
	if err != nil {
		t.Fatalf("collect: %v", err)
	}
	return c
}

// checkImage reads every file of an image, and fails if one is not what its digest says.
func checkImage(t testing.TB, s *store.Store, img *store.Image) {
	t.Helper()
	if _, err := s.Tree(img); err != nil {
		t.Error(err)
	}
	for _, c := range img.Chains {
		l, err := s.Layer(c.DiffID)
		if err != nil {
			t.Error(err)
			continue
		}
		tar := digest.SHA256.Digester()
		if _, err := io.Copy(tar.Hash(), io.NewSectionReader(readerAt(l.ReadTarAt), 0, l.TarSize())); err != nil {
			t.Error(err)
		}
		if tar.Digest() != c.DiffID {
			t.Errorf("layer %s is %s", c.DiffID, tar.Digest())
		}
	}
	for _, d := range append([]ocispec.Descriptor{img.Manifest, img.Config}, img.Layers...) {
		r, err := s.OpenBlob(d.Digest)
		if err != nil {
			t.Error(err)
			continue
		}
		r.Close()
	}
}

type readerAt func([]byte, int64) (int, error)

func (f readerAt) ReadAt(p []byte, off int64) (int, error) { return f(p, off) }

// largeLayer has a small file and one that is just stored by its digest.
func largeLayer(t testing.TB) []byte {
	return layertest.Tar(t, layertest.File("small", "1"), layertest.File("large", noise(1<<20, 1)))
}

// shapes are images that share a base, with large files, of every compression.
func shapes(t testing.TB) map[string]storetest.Image {
	base := storetest.Gzip(t, largeLayer(t))
	top := layertest.Tar(t, layertest.File("top", "1"), layertest.File("again", noise(1<<20, 1)), layertest.File("own", noise(1<<20, 2)))
	images := map[string]storetest.Image{}
	for name, layers := range map[string][]storetest.Layer{
		"base":    {base},
		"gzip":    {base, storetest.Gzip(t, top)},
		"tar":     {base, storetest.Tar(top)},
		"zstd":    {storetest.Zstd(t, top)},
		"scratch": {},
	} {
		images[name] = storetest.NewImageWithConfig(t, ocispec.Image{
			Author: name, Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH},
			RootFS: ocispec.RootFS{Type: "layers", DiffIDs: digests(layers...)},
		}, layers...)
	}
	return images
}

func TestCollectGivesTheDiskBack(t *testing.T) {
	for name, img := range shapes(t) {
		t.Run(name, func(t *testing.T) {
			s := storetest.New(t)
			oneFile(t, "other").Publish(t, s, box+":other")
			collect(t, s)
			before, used := files(t, s.Dir()), usage(t, s.Dir())
			published := img.Publish(t, s, box+":1")
			for k := range published.Layers {
				if _, err := s.DiffTree(published, k); err != nil {
					t.Fatal(err)
				}
			}
			checkImage(t, s, published)
			if c := collect(t, s); len(c.Blobs)+len(c.Layers) > 0 || c.Bytes != 0 {
				t.Errorf("collected %v of what is named", c)
			}
			update(t, s, store.Change{Remove: img.ID})
			full := usage(t, s.Dir())
			got := collect(t, s)
			if len(got.Layers) != len(img.Layers) || len(got.Blobs) != 2+len(img.Layers) {
				t.Errorf("collected %v", got)
			}
			if diff := cmp.Diff(before, files(t, s.Dir())); diff != "" {
				t.Errorf("files (-before +after):\n%s", diff)
			}
			if less := full - usage(t, s.Dir()); less != got.Bytes {
				t.Errorf("the root has %d bytes less; said %d", less, got.Bytes)
			}
			if more := usage(t, s.Dir()) - used; more > 64<<10 { // the numbers, and directories
				t.Errorf("the root has %d bytes more than before", more)
			}
			if again := img.Publish(t, s, box+":2"); again.Number != published.Number {
				t.Errorf("pulled again, image %d is %d", published.Number, again.Number)
			} else {
				checkImage(t, s, again)
			}
		})
	}
}

func TestCollectKeepsWhatIsShared(t *testing.T) {
	all := shapes(t)
	for removed := range all {
		t.Run(removed, func(t *testing.T) {
			s := storetest.New(t)
			for name, img := range all {
				img.Publish(t, s, box+":"+name)
			}
			update(t, s, store.Change{Remove: all[removed].ID})
			collect(t, s)
			other := storetest.Open(t, s.Dir())
			for name, img := range all {
				left := other.Snapshot().Image(img.ID)
				if (left == nil) != (img.ID == all[removed].ID) {
					t.Errorf("image %s: %v", name, left)
				}
				if left != nil {
					checkImage(t, other, left)
				}
			}
		})
	}
}

// TestCollectKeepsTheBlobOfAnUncompressedLayer has a layer that was unpacked of its tar, while the image that is left has
// it as another blob.
func TestCollectKeepsTheBlobOfAnUncompressedLayer(t *testing.T) {
	s := storetest.New(t)
	tar := largeLayer(t)
	plain, gz := storetest.NewImageWithConfig(t, ocispec.Image{
		Author: "another", RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(tar)}},
	}, storetest.Tar(tar)), storetest.NewImage(t, storetest.Gzip(t, tar))
	plain.Publish(t, s, box+":plain")
	left := gz.Publish(t, s, box+":gz")
	update(t, s, store.Change{Remove: plain.ID})
	collect(t, s)
	checkImage(t, storetest.Open(t, s.Dir()), left)
}

func TestCollectTakesAllManifestsOfAnImage(t *testing.T) {
	s := storetest.New(t)
	collect(t, s)
	before := files(t, s.Dir())
	tar := largeLayer(t)
	gz, zst := storetest.NewImage(t, storetest.Gzip(t, tar)), storetest.NewImage(t, storetest.Zstd(t, tar))
	first := gz.Publish(t, s, box+":gz")
	zst.Publish(t, s, box+":zst")
	update(t, s, store.Change{Name: box + ":gz"}, store.Change{Name: box + "@" + gz.Descriptor.Digest.String()})
	collect(t, s)
	if got := storetest.Open(t, s.Dir()).Snapshot().Image(first.ID); got == nil || got.Manifest.Digest != first.Manifest.Digest {
		t.Errorf("the image became %v", got)
	}
	update(t, s, store.Change{Remove: gz.ID})
	collect(t, s)
	if diff := cmp.Diff(before, files(t, s.Dir())); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

func TestCollectKeepsWhatOthersWrote(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, largeLayer(t)))
	img.Put(t, s) // an interrupted pull, or skopeo before it writes index.json
	strange := filepath.Join(s.Dir(), "blobs", "sha256", "README")
	if err := os.WriteFile(strange, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := files(t, s.Dir())
	collect(t, s)
	if diff := cmp.Diff(before, files(t, s.Dir())); diff != "" {
		t.Errorf("while it is young (-before +after):\n%s", diff)
	}
	age(t, s)
	if c := collect(t, s); len(c.Blobs) > 0 {
		t.Errorf("%v were never published", c.Blobs)
	}
	if diff := cmp.Diff([]string{"blobs/sha256/README", "index.json", "lock", "numbers", "oci-layout", "reserve"}, files(t, s.Dir())); diff != "" {
		t.Errorf("when it is old (-want +got):\n%s", diff)
	}
}

// age makes all that is stored a day older.
func age(t *testing.T, s *store.Store) {
	t.Helper()
	old := time.Now().Add(-25 * time.Hour)
	err := filepath.WalkDir(s.Dir(), func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, old, old))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCollectWalksForeignDocuments(t *testing.T) {
	s := storetest.New(t)
	a := oneFile(t, "a")
	inner := storetest.NewIndex(t, a.Descriptor)
	middle := storetest.NewIndex(t, inner.Descriptor)
	outer := storetest.NewIndex(t, middle.Descriptor)
	for _, x := range []storetest.Index{inner, middle, outer} {
		if err := s.PutBlob(x.Descriptor.Digest, x.Raw); err != nil {
			t.Fatal(err)
		}
	}
	a.Put(t, s)
	update(t, s, store.Change{Name: box + ":deep", Target: &outer.Descriptor})
	before := files(t, s.Dir())
	age(t, s)
	collect(t, s)
	if diff := cmp.Diff(before, files(t, s.Dir())); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

func TestClaimKeeps(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, largeLayer(t)))
	img.Publish(t, s, box+":1")
	c, err := s.Claim()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Add(t.Context(), img.ID, img.Descriptor.Digest, img.Layers[0].Descriptor.Digest, img.Layers[0].DiffID); err != nil {
		t.Fatal(err)
	}
	update(t, s, store.Change{Remove: img.ID})
	before := files(t, s.Dir())
	other := storetest.Open(t, s.Dir()) // which must not sweep the claim
	if c := collect(t, other); len(c.Blobs) > 0 {
		t.Errorf("collected %v", c)
	}
	if diff := cmp.Diff(before, files(t, s.Dir())); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	collect(t, other)
	if left := files(t, s.Dir()); len(left) != 5 {
		t.Errorf("left over: %q", left)
	}
}

// TestPullWhileOthersCollect pulls and removes images that share layers and large files, again and again, in a store that
// is collected every few milliseconds.
func TestPullWhileOthersCollect(t *testing.T) {
	s := storetest.New(t)
	other := storetest.Open(t, s.Dir())
	ctx, cancel := context.WithCancel(t.Context())
	var collectors, pulls sync.WaitGroup
	for _, s := range []*store.Store{s, other} {
		collectors.Go(func() {
			for tick := time.Tick(5 * time.Millisecond); ctx.Err() == nil; <-tick {
				if _, err := s.Collect(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for name, img := range shapes(t) {
		pulls.Go(func() {
			for range 6 {
				if err := pullClaimed(ctx, s, img, box+":"+name); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				published := s.Snapshot().Image(img.ID)
				if published == nil {
					t.Errorf("%s is not there", name)
					return
				}
				checkImage(t, s, published)
				if _, err := s.Update(ctx, removal(img.ID)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	pulls.Wait()
	cancel()
	collectors.Wait()
	collect(t, s)
	if left := files(t, s.Dir()); len(left) != 5 {
		t.Errorf("left over: %q", left)
	}
}

func removal(id digest.Digest) func(*store.Snapshot) ([]store.Change, error) {
	return func(*store.Snapshot) ([]store.Change, error) { return []store.Change{{Remove: id}}, nil }
}

// pullClaimed stores and publishes an image as a pull does.
func pullClaimed(ctx context.Context, s *store.Store, img storetest.Image, name string) error {
	c, err := s.Claim()
	if err != nil {
		return err
	}
	defer c.Close()
	claimed := []digest.Digest{img.ID, img.Descriptor.Digest}
	for _, l := range img.Layers {
		claimed = append(claimed, l.Descriptor.Digest, l.DiffID)
	}
	if err := c.Add(ctx, claimed...); err != nil {
		return err
	}
	for _, l := range img.Layers {
		if err := s.IngestLayer(ctx, l.Descriptor, l.DiffID, l.Source, nil); err != nil {
			return err
		}
	}
	if err := errors.Join(s.PutBlob(img.ID, img.Config), s.PutBlob(img.Descriptor.Digest, img.Manifest)); err != nil {
		return err
	}
	_, err = s.Publish(ctx, store.Publication{Name: name, Target: img.Descriptor, Manifests: []ocispec.Descriptor{img.Descriptor}})
	return err
}

func TestCollectFreesWhatIsOpen(t *testing.T) {
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Gzip(t, largeLayer(t)))
	published := img.Publish(t, s, box+":1")
	l, err := s.Layer(published.Chains[0].DiffID)
	if err != nil {
		t.Fatal(err)
	}
	update(t, s, store.Change{Remove: img.ID})
	collect(t, s)
	if e, err := l.Entry(0); err != nil || e.Name != "small" {
		t.Errorf("an open layer that was collected: %v, %v", e, err)
	}
	if _, err := s.Layer(published.Chains[0].DiffID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a collected layer: %v", err)
	}
}

// TestCollectTellsWhatWasMoved cannot move the blobs, which are moved last.
func TestCollectTellsWhatWasMoved(t *testing.T) {
	s := storetest.New(t)
	img := oneFile(t, "a")
	img.Publish(t, s, box+":1")
	update(t, s, store.Change{Remove: img.ID})
	blobs := filepath.Join(s.Dir(), "blobs")
	mount(t, blobs, blobs, "", syscall.MS_BIND, "") // renames do not leave a mount
	got, err := s.Collect(t.Context())
	if !errors.Is(err, syscall.EXDEV) {
		t.Errorf("error %v", err)
	}
	if len(got.Layers) != 1 || len(got.Blobs) != 0 || got.Bytes == 0 {
		t.Errorf("collected %+v", got)
	}
}

// TestCollectBesidePublish collects while this process learns of what another one publishes.
func TestCollectBesidePublish(t *testing.T) {
	s := storetest.New(t)
	other := storetest.Open(t, s.Dir())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			if _, err := s.Collect(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range 20 {
		img := storetest.NewImage(t, storetest.Gzip(t, layertest.Tar(t, layertest.File("f", noise(10, byte(i))))))
		img.Publish(t, other, "docker.io/library/web:1")
		if _, err := s.Refresh(); err != nil {
			t.Error(err)
		}
	}
	<-done
}
