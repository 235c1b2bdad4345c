package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// In the environment, killRoot makes this test binary the program that the test kills, which publishes the image in the
// file killImage.
const (
	killRoot  = "IMAGEFS_TEST_KILL_ROOT"
	killImage = "IMAGEFS_TEST_KILL_IMAGE"
)

// victim has a layer that takes a while, and one that is stored uncompressed.
func victim(t *testing.T) storetest.Image {
	big := layertest.Tar(t, layertest.File("a", noise(3<<19, 1)), layertest.File("b", noise(200_000, 2)))
	return storetest.NewImage(t, storetest.Gzip(t, big), storetest.Tar(layertest.Tar(t, layertest.File("c", noise(1<<20, 3)))))
}

const killName = "docker.io/library/box:1"

// slowly gives a blob at the speed of a network, and notes each offset it is asked from in the file log.
func slowly(l storetest.Layer, log string) store.Source {
	return func(_ context.Context, offset int64) (io.ReadCloser, error) {
		f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if _, err := fmt.Fprintln(f, l.Descriptor.Digest.Encoded()[:8], offset); err != nil {
			return nil, err
		}
		rest := bytes.NewReader(l.Blob[offset:])
		return io.NopCloser(readerFunc(func(p []byte) (int, error) {
			time.Sleep(time.Millisecond)
			return rest.Read(p[:min(len(p), 16<<10)])
		})), nil
	}
}

func TestMain(m *testing.M) {
	if root := os.Getenv(killRoot); root != "" {
		if err := publishSlowly(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if root := os.Getenv(churnRoot); root != "" {
		fmt.Fprintln(os.Stderr, churn(root))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func publishSlowly(root string) error {
	var img storetest.Image
	data, err := os.ReadFile(os.Getenv(killImage))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &img); err != nil {
		return err
	}
	s, err := store.Open(root)
	if err != nil {
		return err
	}
	for _, l := range img.Layers {
		if err := s.IngestLayer(context.Background(), l.Descriptor, l.DiffID, slowly(l, root+".log"), nil); err != nil {
			return err
		}
	}
	if err := errors.Join(s.PutBlob(img.ID, img.Config), s.PutBlob(img.Descriptor.Digest, img.Manifest)); err != nil {
		return err
	}
	p := store.Publication{Name: killName, Target: img.Descriptor, Manifests: []ocispec.Descriptor{img.Descriptor}}
	_, err = s.Publish(context.Background(), p)
	return errors.Join(err, s.Close())
}

func TestKill(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	img := victim(t)
	file := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, marshal(t, img), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv(killImage, file)
	start := time.Now()
	if !runKilled(t, root, time.Minute) {
		t.Fatal("the program does not end")
	}
	whole := time.Since(start)
	for round := range 8 {
		root := filepath.Join(t.TempDir(), fmt.Sprint(round))
		for deaths := 0; deaths < 4; deaths++ {
			held := partials(t, root, img)
			asked := lines(t, root+".log")
			ended := runKilled(t, root, time.Duration(rand.Int64N(int64(whole))))
			checkResumed(t, held, lines(t, root+".log")[len(asked):])
			checkWhole(t, root, img, ended)
			if ended {
				break
			}
		}
		s := storetest.Open(t, root)
		published := img.Publish(t, s, killName)
		checkWhole(t, root, img, true)
		if published.Number < 2 {
			t.Errorf("number %d", published.Number)
		}
	}
}

// runKilled runs the program on root and kills it after a while; true if it came to its end before.
func runKilled(t *testing.T, root string, after time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killRoot+"="+root, "GORACE=atexit_sleep_ms=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if timer.Stop() && err != nil {
		t.Fatalf("the program failed: %v\n%s", err, out.Bytes())
	}
	return err == nil
}

// partials returns how many bytes of each blob's download are on disk.
func partials(t *testing.T, root string, img storetest.Image) map[string]int64 {
	t.Helper()
	sizes := map[string]int64{}
	for _, l := range img.Layers {
		if info, err := os.Stat(filepath.Join(root, "ingest", l.Descriptor.Digest.Encoded())); err == nil {
			sizes[l.Descriptor.Digest.Encoded()[:8]] = info.Size()
		}
	}
	return sizes
}

func lines(t *testing.T, path string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return bytes.Split(data, []byte{'\n'})
}

// checkResumed fails if a source was not asked for exactly what was missing.
func checkResumed(t *testing.T, held map[string]int64, asked [][]byte) {
	t.Helper()
	for _, line := range asked {
		var blob string
		var offset int64
		if n, _ := fmt.Sscan(string(line), &blob, &offset); n != 2 {
			continue
		}
		if offset != held[blob] {
			t.Errorf("blob %s asked from %d, held %d", blob, offset, held[blob])
		}
	}
}

// checkWhole fails if the store has anything by half, or what was published is not there.
func checkWhole(t *testing.T, root string, img storetest.Image, published bool) {
	t.Helper()
	s, err := store.Open(root)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer s.Close()
	if published && s.Snapshot().Image(img.ID) == nil {
		t.Error("the image is not there")
	}
	for _, l := range img.Layers {
		if !s.HasBlob(l.Descriptor.Digest) {
			continue
		}
		r, err := s.OpenBlob(l.Descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := r.ReadAt(make([]byte, len(l.Blob)), 0); n != len(l.Blob) {
			t.Errorf("blob %s has %d bytes", l.Descriptor.Digest, n)
		}
		r.Close()
	}
	for _, img := range s.Snapshot().Images {
		tree, err := s.Tree(img)
		if err != nil {
			t.Fatal(err)
		}
		for i, size := range map[string]int{"a": 3 << 19, "b": 200_000, "c": 1 << 20} {
			n, ok, err := tree.Walk(i)
			if !ok || err != nil {
				t.Fatalf("%s: %v", i, err)
			}
			node, err := tree.Node(n)
			if err != nil {
				t.Fatal(err)
			}
			l, err := s.Layer(img.Chains[node.Origin.Layer].DiffID)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := l.ReadAt(node.Origin.Entry, make([]byte, size), 0); got != size {
				t.Errorf("%s: %d bytes, %v", i, got, err)
			}
		}
	}
}
