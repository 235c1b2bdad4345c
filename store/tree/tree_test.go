package tree

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
)

// wide is a directory of n files between two others, and a directory in it.
func wide(n int) []Layer {
	entries := []layer.Entry{dir("a"), dir("wide"), dir("wide/sub"), file("z")}
	for i := range n {
		entries = append(entries, file(fmt.Sprintf("wide/%04d-%s", i, strings.Repeat("x", i%200))))
	}
	return stack(fakeLayer(entries...))
}

func TestLookup(t *testing.T) {
	tree := build(t, wide(1000))
	dir, ok, err := tree.Walk("wide")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	children := 0
	for i, err := range tree.Children(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		n, err := tree.Node(i)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok, err := tree.Lookup(dir, n.Name); got != i || !ok || err != nil {
			t.Errorf("Lookup(%q): got %d, %t, %v, want %d", n.Name, got, ok, err, i)
		}
		if got, ok, err := tree.Lookup(dir, n.Name+"x"); ok || err != nil {
			t.Errorf("Lookup(%q): got %d, %t, %v", n.Name+"x", got, ok, err)
		}
		if parent, err := tree.Parent(i); parent != dir || err != nil {
			t.Errorf("Parent(%d): got %d, %v", i, parent, err)
		}
		children++
	}
	if children != 1001 {
		t.Errorf("got %d children", children)
	}
	for _, name := range []string{"", "0", "zzz", "wide"} {
		if got, ok, err := tree.Lookup(dir, name); ok || err != nil {
			t.Errorf("Lookup(%q): got %d, %t, %v", name, got, ok, err)
		}
	}
	if got, ok, err := tree.Lookup(dir+1, "x"); ok || err != nil {
		t.Errorf("Lookup in a file: got %d, %t, %v", got, ok, err)
	}
}

func TestWalk(t *testing.T) {
	tree := build(t, stack(fakeLayer(dir("a"), dir("a/b"), file("a/b/c"), symlink("s", "a"))))
	for path, want := range map[string]string{
		"": ".", ".": ".", "/": ".", "a": "a", "/a/b/c": "a/b/c", "a//./b/": "a/b", "a/b/../b/c": "a/b/c", "..": ".",
		"s": "s", "s/b": "none", "a/b/c/d": "none", "x/y": "none",
	} {
		i, ok, err := tree.Walk(path)
		if err != nil {
			t.Fatal(err)
		}
		got := "none"
		if ok {
			got = pathOf(t, tree, i)
		}
		if got != want {
			t.Errorf("Walk(%q): got %s, want %s", path, got, want)
		}
	}
}

func TestNodesAreChildren(t *testing.T) {
	tree := build(t, wide(500))
	for dir := range tree.Len() {
		for _, skip := range []int{0, 1, 145, 146, 147, 500, 501, 502} {
			var want, got []Node
			for i, err := range tree.Children(dir, skip) {
				n, err2 := tree.Node(i)
				if err := errors.Join(err, err2); err != nil {
					t.Fatal(err)
				}
				want = append(want, n)
			}
			for n, err := range tree.Nodes(dir, skip) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, n)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("directory %d from %d on: %s", dir, skip, diff)
			}
		}
	}
	for range tree.Nodes(2, 0) {
		break
	}
}

func TestNoSuchNode(t *testing.T) {
	tree := build(t, nil)
	for _, i := range []int{-1, 1, 1 << 40} {
		_, err := tree.Node(i)
		_, attrErr := tree.Attr(i)
		var childErr, nodeErr error
		for _, childErr = range tree.Children(i, 0) {
		}
		for _, nodeErr = range tree.Nodes(i, 0) {
		}
		if err == nil || attrErr == nil || childErr == nil || nodeErr == nil {
			t.Errorf("node %d: got %v, %v, %v, %v", i, err, attrErr, childErr, nodeErr)
		}
	}
}

func TestAttr(t *testing.T) {
	set := func(e layer.Entry, a layer.Attr) layer.Entry { e.Attr = a; return e }
	base := fakeLayer(
		set(dir("d"), layer.Attr{Mode: unix.S_IFDIR | 0o1777, UID: 1, GID: 2, Sec: -3, Nsec: 4}),
		dir("d/e"), dir("d/f"), file("d/g"),
		set(file("x"), layer.Attr{Mode: unix.S_IFREG | 0o4755, UID: 70000, GID: 5, Size: 6, Sec: 7, Nsec: 8}),
		hardlink("y", "x"), file("new/z"),
		symlink("s", "target"),
	)
	tree := build(t, stack(base, fakeLayer(hardlink("w", "x"))))
	for path, want := range map[string]layer.Attr{
		".":   {Mode: unix.S_IFDIR | 0o755, Nlink: 4, Size: 4096},
		"new": {Mode: unix.S_IFDIR | 0o755, Nlink: 2, Size: 4096},
		"d":   {Mode: unix.S_IFDIR | 0o1777, UID: 1, GID: 2, Nlink: 4, Size: 4096, Sec: -3, Nsec: 4},
		"w":   {Mode: unix.S_IFREG | 0o4755, UID: 70000, GID: 5, Nlink: 3, Size: 6, Sec: 7, Nsec: 8},
		"y":   {Mode: unix.S_IFREG | 0o4755, UID: 70000, GID: 5, Nlink: 3, Size: 6, Sec: 7, Nsec: 8},
		"d/g": {Mode: unix.S_IFREG | 0o644, Nlink: 1, Sec: 1000},
	} {
		i, _, err := tree.Walk(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tree.Attr(i)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", path, err, diff)
		}
	}
	s, _, _ := tree.Walk("s")
	if target, err := tree.Readlink(s); target != "target" || err != nil {
		t.Errorf("got %q, %v", target, err)
	}
	if _, err := tree.Readlink(0); !errors.Is(err, unix.EINVAL) {
		t.Errorf("readlink of a directory: got %v", err)
	}
}

func TestAttrDoesNotAllocate(t *testing.T) {
	tree := build(t, wide(10))
	if n := testing.AllocsPerRun(100, func() {
		for i := range tree.Len() {
			if _, err := tree.Attr(i); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("got %v allocations", n)
	}
}

func TestXattrs(t *testing.T) {
	l := fakeLayer(file("a"), dir("d"), file("new/b"))
	stored := []layer.Xattr{
		{Name: "security.capability", Value: []byte{1}}, {Name: "trusted.overlay", Value: nil},
		{Name: "trusted.overlay.opaque", Value: []byte("y")}, {Name: "trusted.overlays", Value: nil},
		{Name: "user.mine", Value: []byte("2")}, {Name: "user.overlay.redirect", Value: nil},
	}
	l.xattrs = map[string][]layer.Xattr{"a": slices.Clone(stored), "d": stored[:1]}
	tree := build(t, stack(l))
	for path, want := range map[string][]string{
		"a": {"security.capability", "trusted.overlays", "user.mine"}, "d": {"security.capability"}, "new": nil, ".": nil,
	} {
		i, _, err := tree.Walk(path)
		if err != nil {
			t.Fatal(err)
		}
		xattrs, err := tree.Xattrs(i)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range xattrs {
			got = append(got, x.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if diff := cmp.Diff(stored, l.xattrs["a"]); diff != "" {
		t.Errorf("the layer's own list was changed: %s", diff)
	}
}

func TestTreesShareOrigins(t *testing.T) {
	base := fakeLayer(dir("d"), file("d/x"), file("d/y"), hardlink("d/z", "d/y"), symlink("s", "d"), file("gone"))
	one := build(t, stack(base, fakeLayer(file("new"))))
	two := build(t, stack(base, fakeLayer(dir("d"), file("d/w"), whiteout("gone"))))
	for _, path := range []string{"d/x", "d/y", "d/z", "s"} {
		i, _, _ := one.Walk(path)
		k, _, _ := two.Walk(path)
		a, errA := one.Node(i)
		b, errB := two.Node(k)
		attrA, errC := one.Attr(i)
		attrB, errD := two.Attr(k)
		if err := errors.Join(errA, errB, errC, errD); err != nil {
			t.Fatal(err)
		}
		if a != b || a.Origin.Own || attrA != attrB {
			t.Errorf("%s: %+v %+v, %+v %+v", path, a, attrA, b, attrB)
		}
	}
}

func TestOpenNeedsTheSameLayers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tree")
	if err := Build(path, stack(fakeLayer(file("a")))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, nil); err == nil {
		t.Error("opened with no layers")
	}
}
