package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

func claim(t testing.TB, s *store.Store) *store.Claim {
	t.Helper()
	c, err := s.Claim()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// compressions are one layer's blobs.
func compressions(t testing.TB, tar []byte) map[string]storetest.Layer {
	return map[string]storetest.Layer{"tar": storetest.Tar(tar), "gzip": storetest.Gzip(t, tar), "zstd": storetest.Zstd(t, tar)}
}

// contents are the files below the root that are not bookkeeping.
func contents(t testing.TB, root string) map[string]digest.Digest {
	t.Helper()
	found := map[string]digest.Digest{}
	for _, name := range files(t, root) {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		found[name] = digest.FromBytes(data)
	}
	return found
}

func TestAddLayerIsWhatIngestLayerStores(t *testing.T) {
	for name, l := range compressions(t, largeLayer(t)) {
		t.Run(name, func(t *testing.T) {
			ingested, added := storetest.New(t), storetest.New(t)
			l.Ingest(t, ingested)
			desc, diffID, err := added.AddLayer(t.Context(), claim(t, added), iotest.HalfReader(bytes.NewReader(l.Blob)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(l.Descriptor, desc); diff != "" || diffID != l.DiffID {
				t.Errorf("layer %s (-want +got):\n%s", diffID, diff)
			}
			if diff := cmp.Diff(contents(t, ingested.Dir()), contents(t, added.Dir())); diff != "" {
				t.Errorf("files (-ingested +added):\n%s", diff)
			}
			checkScratch(t, added)
		})
	}
}

// checkScratch fails if anything is left in the store's scratch.
func checkScratch(t *testing.T, s *store.Store) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(s.Dir(), "ingest", "tmp-*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
}

func TestStagedLayerIsNotSeen(t *testing.T) {
	for name, l := range compressions(t, largeLayer(t)) {
		t.Run(name, func(t *testing.T) {
			s := storetest.New(t)
			before := files(t, s.Dir())
			staged, err := s.StageLayer(t.Context(), bytes.NewReader(l.Blob))
			if err != nil {
				t.Fatal(err)
			}
			if staged.Descriptor.Digest != l.Descriptor.Digest || staged.DiffID != l.DiffID {
				t.Errorf("staged %v, %s", staged.Descriptor, staged.DiffID)
			}
			if diff := cmp.Diff(before, files(t, s.Dir())); diff != "" {
				t.Errorf("staged (-before +after):\n%s", diff)
			}
			if err := staged.Discard(); err != nil {
				t.Error(err)
			}
			checkScratch(t, s)
		})
	}
}

func TestCommitStoresNothingTwice(t *testing.T) {
	tar := largeLayer(t)
	for known, first := range compressions(t, tar) {
		for name, l := range compressions(t, tar) {
			t.Run(name+" after "+known, func(t *testing.T) {
				s := storetest.New(t)
				storetest.NewImage(t, first).Publish(t, s, box+":1")
				before := contents(t, s.Dir())
				desc, diffID, err := s.AddLayer(t.Context(), claim(t, s), bytes.NewReader(l.Blob))
				if err != nil || diffID != l.DiffID {
					t.Fatal(diffID, err)
				}
				if diff := cmp.Diff(first.Descriptor, desc); diff != "" {
					t.Errorf("blob (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(before, contents(t, s.Dir())); diff != "" {
					t.Errorf("files (-before +after):\n%s", diff)
				}
				checkScratch(t, s)
			})
		}
	}
}

func TestStageRefuses(t *testing.T) {
	lost := errors.New("connection lost")
	for name, l := range compressions(t, largeLayer(t)) {
		half := l.Blob[:len(l.Blob)/2]
		for what, c := range map[string]struct {
			stream io.Reader
			format bool
			err    error
		}{
			"cut":        {stream: bytes.NewReader(half), format: true},
			"damaged":    {stream: bytes.NewReader(append(bytes.Clone(l.Blob[:4]), noise(1<<20, 9)...)), format: true},
			"lost":       {stream: io.MultiReader(bytes.NewReader(half), iotest.ErrReader(lost)), err: lost},
			"lost early": {stream: iotest.ErrReader(lost), err: lost},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				s := storetest.New(t)
				before := files(t, s.Dir())
				_, err := s.StageLayer(t.Context(), c.stream)
				var format *layer.FormatError
				if errors.As(err, &format) != c.format || c.err != nil && !errors.Is(err, c.err) {
					t.Errorf("error %v", err)
				}
				if diff := cmp.Diff(before, files(t, s.Dir())); diff != "" {
					t.Errorf("files (-before +after):\n%s", diff)
				}
				checkScratch(t, s)
			})
		}
	}
}

func TestStageIsCancelled(t *testing.T) {
	for name, l := range compressions(t, largeLayer(t)) {
		t.Run(name, func(t *testing.T) {
			s := storetest.New(t)
			ctx, cancel := context.WithCancel(t.Context())
			rest := bytes.NewReader(l.Blob)
			stream := readerFunc(func(p []byte) (int, error) {
				if rest.Len() < len(l.Blob)/2 {
					cancel()
				}
				return rest.Read(p[:min(len(p), 4096)])
			})
			if _, err := s.StageLayer(ctx, stream); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			checkScratch(t, s)
		})
	}
}

func TestStageOnAFullDisk(t *testing.T) {
	s := storetest.Open(t, smallDisk(t, "4m"))
	before := files(t, s.Dir())
	for name, l := range compressions(t, layertest.Tar(t, layertest.File("a", noise(3<<20, 1)), layertest.File("b", noise(2<<20, 2)))) {
		if _, err := s.StageLayer(t.Context(), bytes.NewReader(l.Blob)); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, files(t, s.Dir())); diff != "" {
			t.Errorf("%s: files (-before +after):\n%s", name, diff)
		}
		checkScratch(t, s)
	}
}

// TestCommitAtOnce commits and ingests, at the same time, layers that are equal, or share large files.
func TestCommitAtOnce(t *testing.T) {
	s := storetest.New(t)
	other := storetest.Open(t, s.Dir())
	first, second := largeLayer(t), layertest.Tar(t, layertest.File("another", noise(1<<20, 1)))
	var wg sync.WaitGroup
	for _, tar := range [][]byte{first, second} {
		for _, l := range compressions(t, tar) {
			for _, s := range []*store.Store{s, other} {
				c := claim(t, s)
				wg.Go(func() {
					if _, _, err := s.AddLayer(t.Context(), c, bytes.NewReader(l.Blob)); err != nil {
						t.Error(err)
					}
				})
				wg.Go(func() {
					if err := s.IngestLayer(t.Context(), l.Descriptor, l.DiffID, l.Source, nil); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	wg.Wait()
	checkScratch(t, s)
	checkScratch(t, other)
	for _, tar := range [][]byte{first, second} {
		var layers []storetest.Layer
		for _, l := range compressions(t, tar) {
			layers = append(layers, l)
		}
		img := storetest.NewImage(t, layers...).Publish(t, s, box+":1")
		checkImage(t, other, img)
	}
}

func TestFindLayer(t *testing.T) {
	tar := largeLayer(t)
	for name, l := range compressions(t, tar) {
		s := storetest.New(t)
		if _, err := s.FindLayer(l.DiffID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s, absent: %v", name, err)
		}
		img := storetest.NewImage(t, l)
		img.Publish(t, s, box+":1")
		if got, err := s.FindLayer(l.DiffID); err != nil || got.Digest != l.Descriptor.Digest || got.MediaType != l.Descriptor.MediaType {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		update(t, s, store.Change{Remove: img.ID})
		collect(t, s)
		if _, err := s.FindLayer(l.DiffID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s, collected: %v", name, err)
		}
	}
}

func TestPutImage(t *testing.T) {
	tar := largeLayer(t)
	s := storetest.New(t)
	collect(t, s)
	before := files(t, s.Dir())
	img := storetest.NewImage(t, storetest.Tar(tar))
	put := func(names ...string) *store.Image {
		t.Helper()
		c, err := s.Claim()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		desc, _, err := s.AddLayer(t.Context(), c, bytes.NewReader(tar))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.PutImage(t.Context(), c, img.Config, []ocispec.Descriptor{desc}, names...)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := put()
	if first.ID != img.ID || first.Manifest.Platform == nil || len(s.Snapshot().References) != 0 {
		t.Errorf("image %v, names %v", first, referenceNames(s.Snapshot()))
	}
	if again := put(box+":1", box+":2"); again != first {
		t.Errorf("another image: %v", again)
	}
	if diff := cmp.Diff([]string{box + ":1", box + ":2"}, referenceNames(s.Snapshot())); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	checkImage(t, storetest.Open(t, s.Dir()), first)
	update(t, s, store.Change{Remove: img.ID})
	collect(t, s)
	if diff := cmp.Diff(before, files(t, s.Dir())); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

// TestPutImageKeepsTheManifest loads what was pulled, and pulls what was loaded.
func TestPutImageKeepsTheManifest(t *testing.T) {
	tar := largeLayer(t)
	s := storetest.New(t)
	pulled := storetest.NewImage(t, storetest.Gzip(t, tar))
	first := pulled.Publish(t, s, box+":pulled")
	c := claim(t, s)
	desc, _, err := s.AddLayer(t.Context(), c, bytes.NewReader(tar))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := s.PutImage(t.Context(), c, pulled.Config, []ocispec.Descriptor{desc}, box+":loaded")
	if err != nil || loaded != first {
		t.Errorf("loaded %v, %v", loaded, err)
	}
	if got := s.Snapshot().Reference(box + ":loaded").Target.Digest; got != pulled.Descriptor.Digest {
		t.Errorf("its manifest is %s", got)
	}
}

func TestCompressedIsCollectedWithItsLayer(t *testing.T) {
	s := storetest.New(t)
	tar := largeLayer(t)
	img, gz := storetest.NewImage(t, storetest.Tar(tar)), storetest.Gzip(t, tar)
	img.Publish(t, s, box+":1")
	if _, err := s.Compressed(gz.DiffID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	if err := errors.Join(s.PutBlob(gz.Descriptor.Digest, gz.Blob), s.SetCompressed(gz.DiffID, gz.Descriptor)); err != nil {
		t.Fatal(err)
	}
	age(t, s)
	collect(t, s)
	if got, err := s.Compressed(gz.DiffID); err != nil || got.Digest != gz.Descriptor.Digest {
		t.Errorf("%v, %v", got, err)
	}
	path := filepath.Join(s.Dir(), "compressed", gz.DiffID.Encoded())
	good := readAll(t, path)
	if err := os.WriteFile(path, bytes.Replace(good, []byte("sha256:"), []byte("sha257:"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Compressed(gz.DiffID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("damaged: %v", err)
	}
	if err := os.WriteFile(path, good, 0o644); err != nil {
		t.Fatal(err)
	}
	update(t, s, store.Change{Remove: img.ID})
	collect(t, s)
	if left := files(t, s.Dir()); len(left) != 5 {
		t.Errorf("left over: %q", left)
	}
}

// TestStagedLayersAreClosed stages layers, and has no file of them open.
func TestStagedLayersAreClosed(t *testing.T) {
	s := storetest.New(t)
	for _, tar := range [][]byte{largeLayer(t), layertest.Tar(t, layertest.File("a", "a"))} {
		l, err := s.StageLayer(t.Context(), bytes.NewReader(tar))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Discard()
	}
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Join(s.Dir(), "ingest", "tmp-")
	for _, fd := range open {
		path, err := os.Readlink(fd)
		if err == nil && strings.HasPrefix(path, scratch) && !strings.HasSuffix(path, ".lock") {
			t.Errorf("%s is open", path)
		}
	}
}
