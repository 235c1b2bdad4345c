package tree

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/imagefs/imagefs/store/layer"
)

func build(t testing.TB, layers []Layer) *Tree {
	t.Helper()
	return buildWith(t, Build, layers)
}

func buildWith(t testing.TB, build func(string, []Layer) error, layers []Layer) *Tree {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tree")
	if err := build(path, layers); err != nil {
		t.Fatal(err)
	}
	return open(t, path, layers)
}

func open(t testing.TB, path string, layers []Layer) *Tree {
	t.Helper()
	tree, err := Open(path, layers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	})
	return tree
}

var letters = map[layer.Type]string{
	layer.Regular: "-", layer.Directory: "d", layer.Symlink: "l", layer.Char: "c", layer.Block: "b", layer.Fifo: "p",
}

// listing has a line a node, in the order of the table: its path, its type, where it comes from (layer.entry, or "new"),
// and of an Own group its link count and first node.
func listing(t testing.TB, tree *Tree) []string {
	t.Helper()
	var lines []string
	for i := range tree.Len() {
		n, err := tree.Node(i)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, pathOf(t, tree, i)+" "+describe(t, tree, i, n))
	}
	return lines
}

func describe(t testing.TB, tree *Tree, i int, n Node) string {
	from := "new"
	if n.Origin.Layer >= 0 {
		from = fmt.Sprintf("%d.%d", n.Origin.Layer, n.Origin.Entry)
	}
	if !n.Origin.Own {
		return letters[n.Type] + " " + from
	}
	attr, err := tree.Attr(i)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s own %d %s", letters[n.Type], from, attr.Nlink, pathOf(t, tree, n.Origin.Node))
}

func pathOf(t testing.TB, tree *Tree, i int) string {
	t.Helper()
	p, err := tree.Path(i)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
