package tree

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imagefs/imagefs/store/layer"
)

// seen is all that a tree answers about a node.
type seen struct {
	Node   Node
	Parent int
	Path   string
	Attr   layer.Attr
	Find   int
}

// look asks a tree everything. It stops at the first error.
func look(tree *Tree) ([]seen, error) {
	var all []seen
	for i := range tree.Len() {
		var s seen
		var err [5]error
		s.Node, err[0] = tree.Node(i)
		s.Parent, err[1] = tree.Parent(i)
		s.Path, err[2] = tree.Path(i)
		s.Attr, err[3] = tree.Attr(i)
		if i > 0 {
			s.Find, _, err[4] = tree.Lookup(s.Parent, s.Node.Name)
		}
		if err := errors.Join(err[:]...); err != nil {
			return all, err
		}
		all = append(all, s)
	}
	for _, err := range tree.Nodes(0, 0) {
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func isCorrupt(err error) bool {
	var corrupt *layer.CorruptError
	return errors.As(err, &corrupt)
}

// damaged is a tree with some blocks of records and of names, and its file.
func damaged(t *testing.T) (path string, layers []Layer, content []byte, want []seen) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tree")
	layers = wide(100)
	if err := Build(path, layers); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err = look(open(t, path, layers))
	if err != nil {
		t.Fatal(err)
	}
	return path, layers, content, want
}

func TestFlippedByte(t *testing.T) {
	path, layers, content, want := damaged(t)
	mapped := open(t, path, layers) // before the damage
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at := 0; at < len(content); at += 5 + at%13 {
		if _, err := f.WriteAt([]byte{content[at] ^ 0x10}, int64(at)); err != nil {
			t.Fatal(err)
		}
		tree, err := Open(path, layers)
		if (err != nil) != (at < blockSize) || err != nil && !isCorrupt(err) {
			t.Fatalf("byte %d: Open: %v", at, err)
		}
		if err == nil {
			tree.Close()
		}
		got, err := look(mapped)
		if at >= blockSize && !isCorrupt(err) {
			t.Fatalf("byte %d: got %v, want a CorruptError", at, err)
		}
		if !slices.Equal(want[:len(got)], got) {
			t.Fatalf("byte %d: wrong data", at)
		}
		if _, err := f.WriteAt(content[at:at+1], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := look(mapped); err != nil {
		t.Fatal(err)
	}
}

func TestTruncated(t *testing.T) {
	path, layers, content, want := damaged(t)
	for _, size := range []int64{0, 1, blockSize - 1, blockSize, 2 * blockSize, int64(len(content)) - 1, int64(len(content)) - blockSize} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			mapped := open(t, path, layers)
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(path, layers); !isCorrupt(err) {
				t.Errorf("Open: got %v, want a CorruptError", err)
			}
			got, err := look(mapped)
			if !isCorrupt(err) {
				t.Errorf("got %v, want a CorruptError", err)
			}
			if !slices.Equal(want[:len(got)], got) {
				t.Error("wrong data")
			}
		})
	}
}

func TestWrongBlock(t *testing.T) {
	path, layers, content, _ := damaged(t)
	header, rest := content[:blockSize], content[blockSize:]
	for name, data := range map[string][]byte{
		"longer":             append(bytes.Clone(content), make([]byte, blockSize)...),
		"another's header":   append(bytes.Clone(header), rest[blockSize:]...),
		"a block elsewhere":  bytes.Join([][]byte{header, rest[blockSize : 2*blockSize], rest[blockSize:]}, nil),
		"of another program": make([]byte, len(content)),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			tree, err := Open(path, layers)
			if err == nil {
				_, err = look(tree)
				tree.Close()
			}
			if !isCorrupt(err) {
				t.Errorf("got %v, want a CorruptError", err)
			}
		})
	}
}

func TestBuildIsDeterministic(t *testing.T) {
	_, layers, content, _ := damaged(t)
	path := filepath.Join(t.TempDir(), "tree")
	if err := Build(path, layers); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(content, again) {
		t.Errorf("the same layers gave another table (%v)", err)
	}
}

// FuzzOpen gives Open tables whose checksums are right and whose content is anything: errors, never a panic.
func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	layers := wide(3)
	if err := Build(path, layers); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add(content[:2*blockSize])
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "tree")
		if err := os.WriteFile(path, resum(data), 0o600); err != nil {
			t.Fatal(err)
		}
		tree, err := Open(path, layers)
		if err != nil {
			return
		}
		defer tree.Close()
		if tree.Len() > 1000 {
			return
		}
		_, _ = look(tree)
	})
}

// resum gives data's blocks the checksums that they need.
func resum(data []byte) []byte {
	b := &bytes.Buffer{}
	w := blockWriter{w: b}
	for at := 0; at < len(data); at += blockSize {
		w.put(data[at:min(at+blockData, len(data))])
		w.end()
	}
	return b.Bytes()
}

// TestFormat fails when the bytes of a table change: then version must change too, and the sum below.
func TestFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tree")
	layers := stack(
		fakeLayer(dir("."), dir("d"), file("d/x"), hardlink("y", "d/x"), symlink("s", "d"), file("a/b")),
		fakeLayer(hardlink("z", "y"), fifo("p"), whiteout("s")))
	if err := Build(path, layers); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = "87db5772820245c4fbbcdb45acacad6fcc288a8662472d0046961e15ed3171e1"
	if got := fmt.Sprintf("%x", sha256.Sum256(content)); got != want || version != 1 {
		t.Errorf("version %d has sum %s", version, got)
	}
}
