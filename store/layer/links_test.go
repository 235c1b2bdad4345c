package layer_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/imagefs/imagefs/store/layer/layertest"
)

func TestLinks(t *testing.T) {
	type target struct {
		entry int
		ok    bool
	}
	file := func(name string) layertest.Entry { return layertest.File(name, "four") }
	tests := []struct {
		name    string
		entries []layertest.Entry
		targets map[int]target
		nlinks  []uint32 // of each entry
		size    int64    // of the layer
	}{
		{
			"a group of three",
			[]layertest.Entry{file("d/a"), layertest.Link("b", "d/a"), layertest.Link("c", "/d/./a")},
			map[int]target{1: {0, true}, 2: {0, true}}, []uint32{3, 3, 3}, 4,
		}, {
			"a chain",
			[]layertest.Entry{file("a"), layertest.Link("b", "a"), layertest.Link("c", "b")},
			map[int]target{1: {0, true}, 2: {0, true}}, []uint32{3, 3, 3}, 4,
		}, {
			"a symlink",
			[]layertest.Entry{layertest.Symlink("a", "target"), layertest.Link("b", "a")},
			map[int]target{1: {0, true}}, []uint32{2, 2}, 6,
		}, {
			"a device",
			[]layertest.Entry{layertest.Char("a", 1, 3), layertest.Link("b", "a")},
			map[int]target{1: {0, true}}, []uint32{2, 2}, 0,
		}, {
			"not in this layer",
			[]layertest.Entry{layertest.Link("b", "a"), file("a")},
			map[int]target{0: {0, false}}, []uint32{1, 1}, 4,
		}, {
			"a chain out of this layer",
			[]layertest.Entry{layertest.Link("b", "a"), layertest.Link("c", "b"), layertest.Link("d", "c")},
			map[int]target{0: {0, false}, 1: {0, false}, 2: {0, false}}, []uint32{1, 1, 1}, 0,
		}, {
			"the last of that name before it",
			[]layertest.Entry{file("a"), layertest.Link("b", "a"), file("a"), layertest.Link("c", "a"), file("a")},
			map[int]target{1: {0, true}, 3: {2, true}}, []uint32{1, 1, 1, 1, 1}, 12,
		}, {
			"its own name",
			[]layertest.Entry{file("a"), layertest.Link("a", "a")},
			map[int]target{1: {0, true}}, []uint32{1, 1}, 4,
		}, {
			"overwritten",
			[]layertest.Entry{file("a"), layertest.Link("b", "a"), layertest.Link("c", "a"), file("b")},
			map[int]target{1: {0, true}, 2: {0, true}}, []uint32{2, 2, 2, 1}, 8,
		}, {
			"a directory that became a file",
			[]layertest.Entry{file("d/a"), layertest.Link("b", "d/a"), file("d"), layertest.Link("c", "d/a")},
			map[int]target{1: {0, true}, 3: {3, false}}, []uint32{1, 1, 1, 1}, 8,
		}, {
			"a directory that came again",
			[]layertest.Entry{layertest.Dir("d"), file("d/a"), layertest.Link("b", "d/a"), layertest.Dir("d")},
			map[int]target{2: {1, true}}, []uint32{1, 2, 2, 1}, 4,
		}, {
			"a directory that became a file and a directory again",
			[]layertest.Entry{file("d/a"), layertest.Link("d/b", "d/a"), file("d"), layertest.Dir("d"), file("d/c")},
			map[int]target{1: {0, true}}, []uint32{1, 1, 1, 1, 1}, 4,
		}, {
			"a whiteout beside it",
			[]layertest.Entry{file("a"), layertest.Link("b", "a"), layertest.Whiteout("a"), layertest.Opaque("")},
			map[int]target{1: {0, true}}, []uint32{2, 2, 1, 1}, 4,
		}, {
			"a whiteout is no target",
			[]layertest.Entry{layertest.Whiteout("a"), layertest.Link("b", "a")},
			map[int]target{1: {1, false}}, []uint32{1, 1}, 0,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := layertest.Unpack(t, layertest.Tar(t, test.entries...))
			for i, want := range test.targets {
				entry, ok, err := l.Target(i)
				if err != nil || entry != want.entry || ok != want.ok {
					t.Errorf("target of %d: %d, %v, %v, want %v", i, entry, ok, err, want)
				}
			}
			for i, want := range test.nlinks {
				if got := entryAt(t, l, i).Attr.Nlink; got != want {
					t.Errorf("nlink of %d: %d, want %d", i, got, want)
				}
			}
			if l.Size() != test.size {
				t.Errorf("size %d, want %d", l.Size(), test.size)
			}
		})
	}
}

func TestLinkToDirectory(t *testing.T) {
	err := unpack(t, bytes.NewReader(layertest.Tar(t, layertest.Dir("d"), layertest.Link("b", "d"))))
	if !isFormatError(err) || !strings.Contains(err.Error(), `"b"`) {
		t.Error(err)
	}
}

// TestManyNames fills the table of names with names that repeat in ever other directories.
func TestManyNames(t *testing.T) {
	var list []layertest.Entry
	for i := range 2000 {
		dir := strings.Repeat("x", i%50+1)
		list = append(list, layertest.File(dir+"/a"+strings.Repeat("b", i/50), ""))
	}
	for i := range 2000 {
		list = append(list, layertest.Link("l/"+list[i].Name, list[i].Name))
	}
	l := layertest.Unpack(t, layertest.Tar(t, list...))
	for i := range 2000 {
		if target, ok, err := l.Target(2000 + i); err != nil || !ok || target != i {
			t.Fatalf("target of %d: %d, %v, %v", 2000+i, target, ok, err)
		}
		if name := entryAt(t, l, i).Name; name != list[i].Name {
			t.Fatalf("entry %d is %q, want %q", i, name, list[i].Name)
		}
	}
}
