package layer_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

func sparseFormats() []string {
	return []string{layertest.SparseGNU, layertest.SparsePAX00, layertest.SparsePAX01, layertest.SparsePAX10}
}

// TestSparse compares with what archive/tar makes of the same archive.
func TestSparse(t *testing.T) {
	var many []layertest.Extent
	for i := range int64(60) {
		many = append(many, layertest.Extent{Offset: i * 5000, Data: text(uint64(i), int(i*37))})
	}
	shapes := []struct {
		name    string
		size    int64
		extents []layertest.Extent
	}{
		{"hole", 50_000, nil},
		{"hole at the start", 40_000, []layertest.Extent{{Offset: 20_000, Data: text(1, 20_000)}}},
		{"hole at the end", 40_000, []layertest.Extent{{Offset: 0, Data: text(2, 1000)}}},
		{"dense", 20_000, []layertest.Extent{{Offset: 0, Data: text(3, 20_000)}}},
		{"large", 5 << 20, []layertest.Extent{{Offset: 100, Data: text(4, 1<<20)}, {Offset: 3 << 20, Data: text(5, 1<<20)}}},
		{"many extents", 60 * 5000, many},
	}
	for _, shape := range shapes {
		for _, format := range sparseFormats() {
			b := layertest.Tar(t, layertest.File("before", "x"), layertest.Sparse(format, "s", shape.size, shape.extents...), layertest.File("after", "y"))
			t.Run(shape.name+"/"+format, func(t *testing.T) {
				forms(t, b, func(t *testing.T, l *layer.Layer) { compareFiles(t, l, b) })
			})
		}
	}
}

// compareFiles wants the entries and contents that archive/tar reads, and the tar.
func compareFiles(t *testing.T, l *layer.Layer, b []byte) {
	t.Helper()
	r := tar.NewReader(bytes.NewReader(b))
	i := 0
	for h, err := r.Next(); err != io.EOF; h, err = r.Next() {
		if err != nil {
			t.Fatal(err)
		}
		if name := entryAt(t, l, i).Name; name != filepath.Clean(h.Name) {
			t.Fatalf("entry %d is %q, want %q", i, name, h.Name)
		}
		if h.FileInfo().Mode().IsRegular() && h.Typeflag != tar.TypeLink {
			want, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			checkFile(t, l, i, want)
		}
		i++
	}
	if i != l.Len() {
		t.Errorf("%d entries, want %d", l.Len(), i)
	}
	if d, err := tarDigest(l); err != nil || d != l.DiffID() {
		t.Errorf("tar %s, %v", d, err)
	}
}

// TestHugeHole has a file whose content would fill any disk.
func TestHugeHole(t *testing.T) {
	const size = 1 << 60
	for _, format := range sparseFormats() {
		b := layertest.Tar(t, layertest.Sparse(format, "s", size, layertest.Extent{Offset: size / 2, Data: "middle"}))
		l := layertest.Unpack(t, b)
		p := make([]byte, 20)
		if n, err := l.ReadAt(0, p, size/2-7); n != 20 || err != nil || string(p) != "\x00\x00\x00\x00\x00\x00\x00middle\x00\x00\x00\x00\x00\x00\x00" {
			t.Errorf("%s: %d, %v, %q", format, n, err, p)
		}
		if n, err := l.ReadAt(0, p, size-5); n != 5 || err != io.EOF {
			t.Errorf("%s: at the end: %d, %v", format, n, err)
		}
	}
}

func TestSparseRefused(t *testing.T) {
	pax := func(records string, body string) layertest.Entry {
		e := raw(layertest.Block512('x', "p", int64(len(records)), nil), []byte(records)...)
		e.Raw = append(e.Raw, raw(layertest.Block512('0', "s", int64(len(body)), nil), []byte(body)...).Raw...)
		return e
	}
	v1 := layertest.Record("GNU.sparse.major", "1") + layertest.Record("GNU.sparse.minor", "0") + layertest.Record("GNU.sparse.realsize", "1000")
	v0 := layertest.Record("GNU.sparse.major", "0") + layertest.Record("GNU.sparse.minor", "1") + layertest.Record("GNU.sparse.size", "1000")
	block := func(s string) string { return s + string(make([]byte, -len(s)&511)) }
	tests := map[string]layertest.Entry{
		"no map":           pax(v1, ""),
		"too little data":  pax(v1, block("1\n0\n900\n")+text(1, 500)),
		"too much data":    pax(v1, block("1\n0\n100\n")+text(1, 500)),
		"past the end":     pax(v1, block("1\n900\n200\n")+text(1, 200)),
		"overlap":          pax(v1, block("2\n0\n100\n50\n100\n")+text(1, 200)),
		"negative":         pax(v1, block("1\n-5\n100\n")+text(1, 100)),
		"no number":        pax(v1, block("1\nx\n100\n")+text(1, 100)),
		"count too large":  pax(v1, block("99999999\n0\n1\n")+"x"),
		"0.1 odd":          pax(v0+layertest.Record("GNU.sparse.numblocks", "1")+layertest.Record("GNU.sparse.map", "0,5,7"), "12345"),
		"0.1 too much":     pax(v0+layertest.Record("GNU.sparse.numblocks", "1")+layertest.Record("GNU.sparse.map", "0,5"), "1234567"),
		"size in the PAX":  pax(v0+layertest.Record("size", "3")+layertest.Record("GNU.sparse.numblocks", "1")+layertest.Record("GNU.sparse.map", "0,5"), "12345"),
		"a sparse symlink": {Raw: append(raw(layertest.Block512('x', "p", int64(len(v1)), nil), []byte(v1)...).Raw, layertest.Block512('2', "s", 0, nil)...)},
	}
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			if err := unpack(t, bytes.NewReader(layertest.Tar(t, e))); !isFormatError(err) {
				t.Error(err)
			}
		})
	}
}

// TestSparseLeftOut has a whiteout that is a sparse file with a huge hole.
func TestSparseLeftOut(t *testing.T) {
	b := layertest.Tar(t, layertest.Sparse(layertest.SparsePAX10, ".wh.s", 1<<50, layertest.Extent{Offset: 1 << 40, Data: text(1, 5000)}), layertest.File("after", "x"))
	forms(t, b, func(t *testing.T, l *layer.Layer) {
		if d, err := tarDigest(l); err != nil || d != l.DiffID() || l.Len() != 2 {
			t.Errorf("%d entries, tar %s, %v", l.Len(), d, err)
		}
	})
}

// TestGNUTar unpacks what GNU tar writes of a real tree.
func TestGNUTar(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skip("there is no tar")
	}
	dir := t.TempDir()
	for i, size := range []int{0, 1, 511, 512, 513, 16384, 16385, 1 << 20, 1<<20 + 1} {
		path := filepath.Join(dir, fmt.Sprintf("file%d", i))
		if err := os.WriteFile(path, []byte(text(uint64(i), size)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(path, path+".link"); err != nil {
			t.Fatal(err)
		}
	}
	holes, err := os.Create(filepath.Join(dir, "holes"))
	if err != nil {
		t.Fatal(err)
	}
	defer holes.Close()
	for i := range 30 {
		if _, err := holes.WriteAt([]byte(text(uint64(i), 4096)), int64(i)*100_000); err != nil {
			t.Fatal(err)
		}
	}
	for _, options := range [][]string{
		{"--format=v7"}, {"--format=ustar"}, {"--format=oldgnu", "-S"}, {"--format=gnu", "-S"}, {"--format=pax", "-S"},
		{"--format=pax", "-S", "--sparse-version=0.0"}, {"--format=pax", "-S", "--sparse-version=0.1"}, {"-b", "1"},
	} {
		t.Run(fmt.Sprint(options), func(t *testing.T) {
			args := append([]string{"-C", dir, "-cf", "-"}, options...)
			b, err := exec.Command("tar", append(args, ".")...).Output()
			if err != nil {
				t.Fatal(err)
			}
			forms(t, b, func(t *testing.T, l *layer.Layer) { compareFiles(t, l, b) })
		})
	}
}
