package tree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/store/layer"
)

func TestBuild(t *testing.T) {
	tests := []struct {
		name   string
		layers []Layer
		want   []string
	}{
		{"no layers", nil, []string{". d new"}},
		{"an empty layer", stack(fakeLayer()), []string{". d new"}},
		{"breadth first, sorted by bytes",
			stack(fakeLayer(file("b"), dir("a"), file("a/é"), file("a/z"), file("a/\xff"), file("B"))),
			[]string{". d new", "B - 0.5", "a d 0.1", "b - 0.0", "a/z - 0.3", "a/é - 0.2", "a/\xff - 0.4"}},
		{"the root has an entry",
			stack(fakeLayer(dir("."), file("a")), fakeLayer(dir("."))),
			[]string{". d 1.0", "a - 0.1"}},
		{"a parent that never appears",
			stack(fakeLayer(file("a/b/c"))),
			[]string{". d new", "a d new", "a/b d new", "a/b/c - 0.0"}},
		{"a parent that appears later",
			stack(fakeLayer(file("a/b"), dir("a"))),
			[]string{". d new", "a d 0.1", "a/b - 0.0"}},
		{"directory over directory merges",
			stack(fakeLayer(dir("a"), file("a/x")), fakeLayer(dir("a"), file("a/y"))),
			[]string{". d new", "a d 1.0", "a/x - 0.1", "a/y - 1.1"}},
		{"a directory that a layer only passes through keeps its attributes",
			stack(fakeLayer(dir("a"), file("a/x")), fakeLayer(file("a/y"))),
			[]string{". d new", "a d 0.0", "a/x - 0.1", "a/y - 1.0"}},
		{"file over directory removes what was below",
			stack(fakeLayer(dir("a"), file("a/x")), fakeLayer(file("a"))),
			[]string{". d new", "a - 1.0"}},
		{"directory over file, and over symlink",
			stack(fakeLayer(file("a"), symlink("b", "c"), dir("c")), fakeLayer(dir("a"), dir("b"), file("b/x"))),
			[]string{". d new", "a d 1.0", "b d 1.1", "c d 0.2", "b/x - 1.2"}},
		{"a directory that was a file, removed, and made again is empty",
			stack(fakeLayer(dir("a"), file("a/x")), fakeLayer(file("a")), fakeLayer(dir("a"))),
			[]string{". d new", "a d 2.0"}},
		{"duplicates: the last wins",
			stack(fakeLayer(file("a"), dir("a"), file("a/x"), symlink("a", "x"), fifo("a"))),
			[]string{". d new", "a p 0.4"}},
		{"file over file is a file of its own",
			stack(fakeLayer(file("a"), hardlink("b", "a")), fakeLayer(file("a"))),
			[]string{". d new", "a - 1.0", "b - 0.0 own 1 b"}},

		{"whiteout of a file, of a directory, of nothing",
			stack(fakeLayer(file("a"), dir("d"), file("d/x"), file("e")),
				fakeLayer(whiteout("a"), whiteout("d"), whiteout("f"), whiteout("no/such"), whiteout("e/x"))),
			[]string{". d new", "e - 0.3"}},
		{"whiteout does not hide its own layer, before or after it",
			stack(fakeLayer(file("a"), file("b")), fakeLayer(file("a"), whiteout("a"), whiteout("b"), file("b"))),
			[]string{". d new", "a - 1.0", "b - 1.3"}},
		{"whiteout of a directory that its layer makes anew",
			stack(fakeLayer(dir("d"), file("d/x")), fakeLayer(dir("d"), file("d/y"), whiteout("d"))),
			[]string{". d new", "d d 1.0", "d/y - 1.1"}},
		{"whiteout of a directory that its layer only passes through: nothing of the old one stays",
			stack(fakeLayer(dir("d"), file("d/x")), fakeLayer(file("d/y"), whiteout("d"))),
			[]string{". d new", "d d new", "d/y - 1.0"}},
		{"whiteouts in the base hide nothing",
			stack(fakeLayer(file("a"), whiteout("a"), opaque("."))),
			[]string{". d new", "a - 0.0"}},
		{"whiteout of a symlink, not of its target",
			stack(fakeLayer(dir("d"), symlink("s", "d")), fakeLayer(whiteout("s"))),
			[]string{". d new", "d d 0.0"}},
		{"whiteout below a symlink",
			stack(fakeLayer(dir("d"), file("d/x"), symlink("s", "/d")), fakeLayer(whiteout("s/x"))),
			[]string{". d new", "d d 0.0", "s l 0.2"}},
		{"opaque hides the lower layers' children, wherever it stands",
			stack(fakeLayer(dir("d"), file("d/x"), dir("d/e"), file("d/e/f")),
				fakeLayer(dir("d"), file("d/y"), opaque("d"), file("d/z"))),
			[]string{". d new", "d d 1.0", "d/y - 1.1", "d/z - 1.3"}},
		{"opaque keeps the directory",
			stack(fakeLayer(dir("d"), file("d/x")), fakeLayer(opaque("d"))),
			[]string{". d new", "d d 0.0"}},
		{"opaque root",
			stack(fakeLayer(dir("."), file("a"), dir("d"), file("d/x")), fakeLayer(opaque("."), file("b"))),
			[]string{". d 0.0", "b - 1.1"}},
		{"opaque through a symlink, of a file, of nothing",
			stack(fakeLayer(dir("d"), file("d/x"), symlink("s", "d"), file("f")),
				fakeLayer(opaque("s"), opaque("f"), opaque("no/such"))),
			[]string{". d new", "d d 0.0", "f - 0.3", "s l 0.2"}},

		{"an entry below a symlink goes where the symlink leads",
			stack(fakeLayer(dir("usr"), dir("usr/lib"), symlink("lib", "usr/lib")), fakeLayer(file("lib/x"))),
			[]string{". d new", "lib l 0.2", "usr d 0.0", "usr/lib d 0.1", "usr/lib/x - 1.0"}},
		{"a symlink does not lead out of the root",
			stack(fakeLayer(dir("a"), symlink("a/s", "../../../etc"), file("a/s/x"))),
			[]string{". d new", "a d 0.0", "etc d new", "a/s l 0.1", "etc/x - 0.2"}},
		{"an absolute symlink begins at the root, one that dangles makes its target",
			stack(fakeLayer(dir("a"), symlink("a/s", "/b/../c"), file("a/s/x"))),
			[]string{". d new", "a d 0.0", "c d new", "a/s l 0.1", "c/x - 0.2"}},
		{"an entry below a lower layer's file",
			stack(fakeLayer(file("a")), fakeLayer(file("a/x"))),
			[]string{". d new", "a d new", "a/x - 1.0"}},

		{"a hard link is the layer's alone",
			stack(fakeLayer(file("a"), hardlink("b", "a"), hardlink("c", "b")), fakeLayer(file("x"))),
			[]string{". d new", "a - 0.0", "b - 0.0", "c - 0.0", "x - 1.0"}},
		{"a hard link before its layer's entry of that name means the lower one",
			stack(fakeLayer(file("a")), fakeLayer(hardlink("b", "a"), file("a"))),
			[]string{". d new", "a - 1.1", "b - 0.0"}},
		{"a hard link to a hard link out of the layer",
			stack(fakeLayer(file("a")), fakeLayer(hardlink("b", "a"), hardlink("c", "b"), whiteout("a"))),
			[]string{". d new", "b - 0.0 own 2 b", "c - 0.0 own 2 b"}},
		{"a hard link means the duplicate before it",
			stack(fakeLayer(file("a"), hardlink("b", "a"), file("a"))),
			[]string{". d new", "a - 0.2", "b - 0.0"}},
		{"a hard link to a lower layer's file",
			stack(fakeLayer(file("a")), fakeLayer(hardlink("b", "a"))),
			[]string{". d new", "a - 0.0 own 2 a", "b - 0.0 own 2 a"}},
		{"a hard link to what its layer hides",
			stack(fakeLayer(file("a"), dir("d"), file("d/x")), fakeLayer(hardlink("b", "a"), whiteout("a"),
				hardlink("c", "d/x"), opaque("d"))),
			[]string{". d new", "b - 0.0", "c - 0.2", "d d 0.1"}},
		{"a hard link through symlinks",
			stack(fakeLayer(dir("d"), file("d/x"), symlink("s", "d")), fakeLayer(hardlink("s/y", "s/x"))),
			[]string{". d new", "d d 0.0", "s l 0.2", "d/x - 0.1 own 2 d/x", "d/y - 0.1 own 2 d/x"}},
		{"a hard link to a symlink, and to a fifo",
			stack(fakeLayer(symlink("a", "x"), hardlink("b", "a"), fifo("p"), hardlink("q", "p"))),
			[]string{". d new", "a l 0.0 own 2 a", "b l 0.0 own 2 a", "p p 0.2 own 2 p", "q p 0.2 own 2 p"}},
		{"a hard link over itself",
			stack(fakeLayer(file("a"), hardlink("a", "a")), fakeLayer(hardlink("a", "a"))),
			[]string{". d new", "a - 0.0"}},
		{"a hard link over another name of its file",
			stack(fakeLayer(file("a"), hardlink("b", "a"), hardlink("b", "a"))),
			[]string{". d new", "a - 0.0", "b - 0.0"}},
		{"a hard link over the directory its target is in",
			stack(fakeLayer(dir("d"), file("d/x")), fakeLayer(hardlink("d", "d/x"))),
			[]string{". d new", "d - 0.1"}},
		{"a group of which a name is hidden, and one is added",
			stack(fakeLayer(file("a"), hardlink("b", "a"), hardlink("c", "a")), fakeLayer(whiteout("a")),
				fakeLayer(hardlink("d", "b"), hardlink("e", "d"))),
			[]string{". d new", "b - 0.0 own 4 b", "c - 0.0 own 4 b", "d - 0.0 own 4 b", "e - 0.0 own 4 b"}},
		{"a hidden name and an added one: the layer's count again",
			stack(fakeLayer(file("a"), hardlink("b", "a")), fakeLayer(whiteout("a"), hardlink("c", "b"))),
			[]string{". d new", "b - 0.0", "c - 0.0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, listing(t, build(t, tt.layers))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBuildDiff(t *testing.T) {
	tests := []struct {
		name   string
		layers []Layer
		want   []string
	}{
		{"no layers", nil, []string{". d new"}},
		{"its own entries, without whiteouts",
			stack(fakeLayer(dir("d"), file("d/x"), file("a")), fakeLayer(file("d/y"), whiteout("a"), opaque("d"))),
			[]string{". d new", "d d new", "d/y - 1.0"}},
		{"the base is a diff to nothing",
			stack(fakeLayer(dir("d"), file("d/x"))),
			[]string{". d new", "d d 0.0", "d/x - 0.1"}},
		{"below a symlink that is not its own",
			stack(fakeLayer(dir("d"), symlink("s", "d")), fakeLayer(file("s/x"))),
			[]string{". d new", "s d new", "s/x - 1.0"}},
		{"hard links to lower layers, through their symlinks, and within",
			stack(fakeLayer(dir("d"), file("d/x")), fakeLayer(symlink("s", "d")),
				fakeLayer(hardlink("y", "s/x"), file("a"), hardlink("b", "a"))),
			[]string{". d new", "a - 2.1", "b - 2.1", "y - 0.1"}},
		{"a hard link to a lower file of two names is one name",
			stack(fakeLayer(file("a"), hardlink("b", "a")), fakeLayer(hardlink("c", "a"))),
			[]string{". d new", "c - 0.0 own 1 c"}},
		{"a hard link to what the layer hides",
			stack(fakeLayer(file("a")), fakeLayer(whiteout("a"), hardlink("c", "a"))),
			[]string{". d new", "c - 0.0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, listing(t, buildWith(t, BuildDiff, tt.layers))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	tests := []struct {
		name   string
		layers []Layer
		entry  string
		detail string
	}{
		{"a hard link to nothing", stack(fakeLayer(file("a")), fakeLayer(hardlink("b", "x/y"))),
			"b", `in layer 1: a hard link to "x/y", which does not exist`},
		{"a hard link to a directory", stack(fakeLayer(dir("d"), hardlink("b", "d"))),
			"b", `in layer 0: a hard link to "d", a directory`},
		{"a hard link to the root", stack(fakeLayer(hardlink("b", "."))), "b", `a hard link to ".", a directory`},
		{"a hard link before its target", stack(fakeLayer(hardlink("b", "a"), file("a"))),
			"b", `which does not exist`},
		{"a hard link to itself", stack(fakeLayer(hardlink("b", "b"))), "b", `which does not exist`},
		{"a loop of hard links", stack(fakeLayer(hardlink("a", "b"), hardlink("b", "a"))), "a", `which does not exist`},
		{"a loop of symlinks", stack(fakeLayer(symlink("a", "b"), symlink("b", "a"), file("a/x"))),
			"a/x", "in layer 0: its path leads through too many symlinks"},
		{"a whiteout in a loop of symlinks", stack(fakeLayer(symlink("a", "a")), fakeLayer(whiteout("a/x"))),
			"a/x", "in layer 1: its path leads through too many symlinks"},
		{"an entry below a file of its layer", stack(fakeLayer(file("a"), file("a/x"))),
			"a/x", `in layer 0: "a" is not a directory`},
		{"a root that is a symlink", stack(fakeLayer(symlink(".", "x"))), ".", "the root is not a directory"},
		{"a whiteout of the root", stack(fakeLayer(), fakeLayer(whiteout("."))), ".", "a whiteout of the root"},
		{"a long name", stack(fakeLayer(file(strings.Repeat("n", 256)))),
			strings.Repeat("n", 256), "in layer 0: a name of 256 bytes; 255 is the limit"},
		{"a long name of a parent", stack(fakeLayer(symlink("s", strings.Repeat("n", 256)), file("s/x"))),
			"s/x", "in layer 0: a name of 256 bytes; 255 is the limit"},
		{"a name that is none", stack(fakeLayer(file("a/.."))), "a/..", `".." is no name for a file`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tree")
			err := Build(path, tt.layers)
			var format *layer.FormatError
			if !errors.As(err, &format) {
				t.Fatalf("got %v, want a FormatError", err)
			}
			if format.Entry != tt.entry || !strings.Contains(format.Detail, tt.detail) {
				t.Errorf("got entry %q: %s", format.Entry, format.Detail)
			}
			if _, err := os.Lstat(path); !os.IsNotExist(err) {
				t.Errorf("a table is left: %v", err)
			}
		})
	}
}

func TestBuildPassesDamageOn(t *testing.T) {
	base := fakeLayer(dir("d"), file("d/x"))
	base.damaged = 1
	err := Build(filepath.Join(t.TempDir(), "tree"), stack(base))
	var corrupt *layer.CorruptError
	if !errors.As(err, &corrupt) {
		t.Fatalf("got %v, want the layer's CorruptError", err)
	}
}

func TestBuildKeepsWhatExists(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tree")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Build(path, nil); !os.IsExist(err) {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "mine" {
		t.Errorf("got %q, %v", got, err)
	}
}
