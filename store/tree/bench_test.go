package tree

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/imagefs/imagefs/store/layer"
)

// million is a stack of two layers with a million files in 20,000 directories; a fiftieth of the upper layer's files
// replace lower ones.
var million = sync.OnceValue(func() []Layer {
	var base, top []layer.Entry
	for d := range 20_000 {
		parent := fmt.Sprintf("usr/share/doc-%d/package-%d", d%100, d)
		base = append(base, dir(parent))
		for f := range 40 {
			base = append(base, file(fmt.Sprintf("%s/changelog-%d.gz", parent, f)))
		}
		top = append(top, dir(parent))
		for f := range 10 {
			top = append(top, file(fmt.Sprintf("%s/copyright-%d", parent, f)))
		}
		top = append(top, file(parent+"/changelog-0.gz"))
	}
	for _, entries := range [][]layer.Entry{base, top} {
		for i := range entries {
			entries[i].Attr.Nlink = 1
		}
	}
	return stack(&fake{entries: base, damaged: -1}, &fake{entries: top, damaged: -1})
})

func BenchmarkBuild(b *testing.B) {
	layers := million()
	b.ReportAllocs()
	var size int64
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "tree")
		if err := Build(path, layers); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		size = info.Size()
		os.Remove(path)
	}
	b.ReportMetric(float64(size)/1e6, "B/file")
}

func BenchmarkRead(b *testing.B) {
	tree := build(b, million())
	deepest := tree.Len() - 1
	path, err := tree.Path(deepest)
	if err != nil {
		b.Fatal(err)
	}
	directory, err := tree.Parent(deepest)
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for _, bench := range []struct {
		name string
		run  func() error
	}{
		{"Node", func() error { _, err := tree.Node(random.IntN(tree.Len())); return err }},
		{"Attr", func() error { _, err := tree.Attr(random.IntN(tree.Len())); return err }},
		{"Path", func() error { _, err := tree.Path(deepest); return err }},
		{"Walk", func() error { _, _, err := tree.Walk(path); return err }},
		{"Nodes of 50", func() error {
			for _, err := range tree.Nodes(directory, 0) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
