package tree

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// TestUmociUnpacksTheSame compares the tree of an image full of edge cases with what umoci makes of it.
func TestUmociUnpacksTheSame(t *testing.T) {
	needUmoci(t)
	tars := layertest.Edges(t)
	rootfs, err := umociUnpack(t, tars)
	if err != nil {
		t.Fatal(err)
	}
	want := factsOfDirectory(t, rootfs)
	got := factsOfTars(t, tars)
	for path, g := range got {
		if g.made {
			// umoci leaves the time at which it ran here, and where it made this directory.
			sameTime(want, got, path)
			sameTime(want, got, filepath.Dir(path))
		}
	}
	if root := got["."]; root.mode&0o7777 != 0o1755 || root.sec != layertest.Time().Unix() {
		t.Errorf("the root is %+v", root)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(facts{})); diff != "" {
		t.Error("umoci (-), tree (+)", diff)
	}
	if len(got) < 100 {
		t.Errorf("only %d names were compared", len(got))
	}
}

// TestWhereUmociDiffers keeps docs/semantics-tree.md true.
func TestWhereUmociDiffers(t *testing.T) {
	needUmoci(t)
	private := func(name string) layertest.Entry { return layertest.Dir(name).WithMode(0o700) }
	tests := []struct {
		name   string
		layers [][]byte
		umoci  string // its error, or d's mode
		tree   uint32 // d's mode
	}{
		{"an entry below a lower layer's file",
			[][]byte{layertest.Tar(t, layertest.File("d", "")), layertest.Tar(t, layertest.File("d/x", ""))},
			"not a directory", 0o40755},
		{"a hard link over itself",
			[][]byte{layertest.Tar(t, layertest.File("d", ""), layertest.Link("d", "d"))},
			"no such file or directory", 0o100644},
		{"a hard link over the directory of its target",
			[][]byte{layertest.Tar(t, layertest.File("d/x", "")), layertest.Tar(t, layertest.Link("d", "d/x"))},
			"no such file or directory", 0o100644},
		{"a hard link after the whiteout of its target",
			[][]byte{layertest.Tar(t, layertest.File("x", "")), layertest.Tar(t, layertest.Whiteout("x"), layertest.Link("d", "x"))},
			"no such file or directory", 0o100644},
		{"a whiteout after an entry in the directory it removes",
			[][]byte{layertest.Tar(t, private("d"), layertest.File("d/x", "")),
				layertest.Tar(t, layertest.File("d/y", ""), layertest.Whiteout("d"))},
			"40700", 0o40755},
		{"an opaque marker after an entry two levels below it",
			[][]byte{layertest.Tar(t, layertest.Dir("o"), private("o/d")),
				layertest.Tar(t, layertest.File("o/d/y", ""), layertest.Opaque("o"))},
			"40700", 0o40755},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := factsOfTars(t, tt.layers)
			if d := firstOf(tree, "d", "o/d"); d.mode != tt.tree {
				t.Errorf("the tree has mode %o", d.mode)
			}
			rootfs, err := umociUnpack(t, tt.layers)
			if err != nil {
				if !strings.Contains(err.Error(), tt.umoci) {
					t.Error(err)
				}
				return
			}
			if d := firstOf(factsOfDirectory(t, rootfs), "d", "o/d"); fmt.Sprintf("%o", d.mode) != tt.umoci {
				t.Errorf("umoci has mode %o", d.mode)
			}
		})
	}
}

func firstOf(all map[string]facts, paths ...string) facts {
	for _, path := range paths {
		if f, ok := all[path]; ok {
			return f
		}
	}
	return facts{}
}

func needUmoci(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("umoci"); err != nil {
		t.Skip("umoci is not installed")
	}
	if os.Geteuid() != 0 {
		t.Skip("umoci needs root to make devices and set owners")
	}
}

// umociUnpack returns the root directory that umoci makes of layers.
func umociUnpack(t *testing.T, tars [][]byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	writeLayout(t, filepath.Join(dir, "oci"), tars)
	// What has no entry gets umoci's umask.
	unpack := exec.Command("sh", "-c", "umask 022 && exec umoci unpack --image oci:edge bundle")
	unpack.Dir = dir
	if out, err := unpack.CombinedOutput(); err != nil {
		return "", fmt.Errorf("umoci: %w\n%s", err, out)
	}
	return filepath.Join(dir, "bundle", "rootfs"), nil
}

func factsOfTars(t *testing.T, tars [][]byte) map[string]facts {
	t.Helper()
	var layers []Layer
	var contents []*layer.Layer
	for _, tar := range tars {
		l := layertest.Unpack(t, tar)
		layers, contents = append(layers, l), append(contents, l)
	}
	return factsOfTree(t, build(t, layers), contents)
}

func sameTime(to, from map[string]facts, path string) {
	if f, ok := to[path]; ok {
		f.made, f.sec, f.nsec = from[path].made, from[path].sec, from[path].nsec
		to[path] = f
	}
}
