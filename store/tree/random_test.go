package tree

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/store/layer"
)

var (
	someNames = []string{".", "a", "b", "c", "d", "a/a", "a/b", "a/c", "b/a", "b/b", "c/a", "a/a/a", "a/b/c", "b/a/b", "c/a/a/b"}
	someLinks = []string{"a", "b", "../b", "/a", "a/b", "/", "..", "c/a", "/b/../c", "../../../d", ".", "b/a/", "d"}
	someTypes = []layer.Type{
		layer.Regular, layer.Regular, layer.Regular, layer.Directory, layer.Directory, layer.Symlink, layer.HardLink,
		layer.HardLink, layer.HardLink, layer.Fifo, layer.Whiteout, layer.Opaque,
	}
)

// randomStack makes layers of bytes: three bytes an entry, a first byte of 255 begins the next layer.
func randomStack(data []byte) []*fake {
	layers := []*fake{fakeLayer()}
	for ; len(data) >= 3; data = data[3:] {
		if data[0] == 255 {
			layers = append(layers, fakeLayer())
			continue
		}
		e := layer.Entry{
			Type: someTypes[int(data[0])%len(someTypes)],
			Name: someNames[int(data[1])%len(someNames)],
		}
		switch e.Type {
		case layer.Symlink:
			e.Link = someLinks[int(data[2])%len(someLinks)]
		case layer.HardLink:
			e.Link = someNames[int(data[2])%len(someNames)]
		}
		top := len(layers) - 1
		layers[top] = fakeLayer(append(layers[top].entries, e)...)
	}
	return layers
}

func TestRandomStacks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 250 {
		data := make([]byte, 3*(2+random.IntN(40)))
		for i := range data {
			data[i] = byte(random.Uint32())
			if i%3 == 0 && random.IntN(8) == 0 {
				data[i] = 255
			}
		}
		checkStack(t, randomStack(data))
	}
}

func FuzzBuild(f *testing.F) {
	f.Add([]byte{0, 1, 0, 255, 0, 0, 10, 1, 0, 6, 2, 1})
	f.Add([]byte{5, 1, 1, 0, 6, 0, 255, 0, 0, 11, 1, 0, 3, 8, 0})
	f.Add([]byte{3, 1, 0, 0, 5, 0, 6, 6, 5, 255, 0, 0, 10, 6, 0, 6, 2, 5})
	f.Fuzz(func(t *testing.T, data []byte) { checkStack(t, randomStack(data[:min(len(data), 600)])) })
}

// checkStack compares what Build and BuildDiff make of layers with what the model does. An entry that the model refuses
// must be refused by Build; it is taken out, so that the rest is compared too.
func checkStack(t *testing.T, layers []*fake) {
	t.Helper()
	for n := 0; ; n++ {
		path := filepath.Join(t.TempDir(), fmt.Sprint("tree", n))
		m := newModel(layers)
		want := m.build()
		err := Build(path, stack(layers...))
		var refused modelError
		if !errors.As(want, &refused) {
			if err != nil {
				t.Fatalf("Build: %v\n%s", err, dump(layers))
			}
			compare(t, m, open(t, path, stack(layers...)))
			compareDiff(t, layers)
			return
		}
		l := layers[refused.layer]
		var format *layer.FormatError
		if !errors.As(err, &format) || format.Entry != l.entries[refused.entry].Name {
			t.Fatalf("Build: %v, want %v\n%s", err, want, dump(layers))
		}
		layers[refused.layer] = fakeLayer(slices.Delete(l.entries, refused.entry, refused.entry+1)...)
	}
}

func compareDiff(t *testing.T, layers []*fake) {
	t.Helper()
	top := len(layers) - 1
	lower := newModel(layers[:top])
	if err := lower.build(); err != nil {
		t.Fatal(err)
	}
	m := newModel(layers)
	err := m.extract(top, lower)
	path := filepath.Join(t.TempDir(), "diff")
	if got := BuildDiff(path, stack(layers...)); (got == nil) != (err == nil) {
		t.Fatalf("BuildDiff: %v, want %v\n%s", got, err, dump(layers))
	}
	if err == nil {
		compare(t, m, open(t, path, stack(layers...)))
	}
}

func compare(t *testing.T, m *model, tree *Tree) {
	t.Helper()
	if diff := gocmp.Diff(m.listing(), listing(t, tree)); diff != "" {
		t.Fatalf("%s\n%s", diff, dump(m.layers))
	}
}

func dump(layers []*fake) string {
	var s string
	for k, l := range layers {
		for i, e := range l.entries {
			s += fmt.Sprintf("%d.%d %d %q %q\n", k, i, e.Type, e.Name, e.Link)
		}
	}
	return s
}
