package imagefs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

// cachedSteps counts the steps that were taken from the cache.
func cachedSteps(r *record) (n int) {
	for _, line := range r.lines {
		if line == " ---> Using cache" {
			n++
		}
	}
	return n
}

func (b *bench) rmi(refs ...string) {
	b.t.Helper()
	if err := b.Remove(b.t.Context(), imagefs.RemoveRequest{Refs: refs}, &record{}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) pruneBuilds(req imagefs.PruneBuildsRequest) int64 {
	b.t.Helper()
	reclaimed, err := b.PruneBuilds(b.t.Context(), req)
	if err != nil {
		b.t.Fatal(err)
	}
	return reclaimed
}

// TestCacheKeepsLayers removes an image: the cache still has its layers, until it is pruned. What is lost is made
// again.
func TestCacheKeepsLayers(t *testing.T) {
	b := newBench(t)
	dir := newContext(t, "FROM scratch\nCOPY dir /x/\nENV A=b\n")
	img, _ := b.mustBuild(dir, imagefs.BuildRequest{Tags: []string{"x"}})
	b.rmi("x")
	again, r := b.mustBuild(dir, imagefs.BuildRequest{Tags: []string{"x"}})
	if cachedSteps(r) != 2 || again.ID != img.ID {
		t.Errorf("%q", r.lines)
	}
	b.rmi("x")
	if got := b.pruneBuilds(imagefs.PruneBuildsRequest{}); got < img.Size {
		t.Errorf("reclaimed %d bytes", got)
	}
	if b.Store().HasLayer(img.Chains[0].DiffID) {
		t.Error("the layer is still there")
	}
	if img, r = b.mustBuild(dir, imagefs.BuildRequest{Tags: []string{"x"}}); cachedSteps(r) != 0 {
		t.Errorf("%q", r.lines)
	}
	b.rmi("x")
	root, lost := b.Store().Dir(), img.Chains[0].DiffID.Encoded()
	if err := errors.Join(os.RemoveAll(filepath.Join(root, "layers", lost)), os.Remove(filepath.Join(root, "blobs/sha256", lost))); err != nil {
		t.Fatal(err)
	}
	if _, r = b.mustBuild(dir, imagefs.BuildRequest{}); cachedSteps(r) != 1 {
		t.Errorf("%q", r.lines)
	}
}

// TestPruneBuildsBySize removes what was not used for longest, and counts what no image has.
func TestPruneBuildsBySize(t *testing.T) {
	b := newBench(t)
	const size = 100_000
	var dirs []string
	var images []*store.Image
	for i, name := range []string{"a", "b", "c"} {
		dir := newContext(t, "FROM scratch\nCOPY big /one\nCOPY big /"+name+"\n")
		writeFile(t, filepath.Join(dir, "big"), strings.Repeat(fmt.Sprint(i), size))
		img, _ := b.mustBuild(dir, imagefs.BuildRequest{Tags: []string{name}})
		dirs, images = append(dirs, dir), append(images, img)
	}
	left := func() (layers [3]int) {
		for i, img := range images {
			for _, c := range img.Chains {
				if b.Store().HasLayer(c.DiffID) {
					layers[i]++
				}
			}
		}
		return layers
	}
	b.rmi("b", "c")
	b.pruneBuilds(imagefs.PruneBuildsRequest{KeepStorage: 4 * size})
	if got := left(); got != [3]int{2, 2, 2} {
		t.Errorf("nothing was to go: %v are left", got)
	}
	b.mustBuild(dirs[1], imagefs.BuildRequest{}) // is used
	b.rmi(images[1].ID.String())
	b.pruneBuilds(imagefs.PruneBuildsRequest{KeepStorage: 3 * size})
	if got := left(); got != [3]int{2, 2, 1} {
		t.Errorf("the last step of c was to go: %v are left", got)
	}
	b.pruneBuilds(imagefs.PruneBuildsRequest{KeepStorage: size})
	if got := left(); got != [3]int{2, 1, 0} {
		t.Errorf("one step was to stay: %v are left", got)
	}
	if _, r := b.mustBuild(dirs[1], imagefs.BuildRequest{}); cachedSteps(r) != 1 {
		t.Errorf("%q", r.lines)
	}
	b.pruneBuilds(imagefs.PruneBuildsRequest{Filters: []string{"until=1h"}})
	if got := left(); got != [3]int{2, 2, 0} {
		t.Errorf("nothing is as old: %v are left", got)
	}
}

func TestPruneBuildsFails(t *testing.T) {
	b := newBench(t)
	try := func(filter string) error {
		_, err := b.PruneBuilds(t.Context(), imagefs.PruneBuildsRequest{Filters: []string{filter}})
		return err
	}
	checkFailures(t, "builder prune", []failure{
		{"no value", imagefs.Invalid, "it is not key=value", try("until")},
		{"unknown filter", imagefs.Invalid, "invalid filter 'label'", try("label=x")},
		{"bad time", imagefs.Invalid, "failed to parse value as time or duration", try("until=yesterday")},
	})
}
