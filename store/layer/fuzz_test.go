package layer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// FuzzUnpack wants that whatever unpacks gives back its tar, and that all of it can be read. Long runs want
// -fuzzminimizetime 5x.
func FuzzUnpack(f *testing.F) {
	f.Add(small(f))
	f.Add([]byte{})
	f.Add(layertest.Tar(f, layertest.Char("a", 1, 3), layertest.Fifo("b"), layertest.Opaque("c"), layertest.Link("d", "a")))
	f.Add(layertest.Tar(f, layertest.File("a/b", "c"), layertest.Link("d", "a/b"), layertest.File("a", ""), layertest.Link("a", "d")))
	for _, format := range sparseFormats() {
		f.Add(layertest.Tar(f, layertest.Sparse(format, "s", 10_000,
			layertest.Extent{Offset: 100, Data: "a"}, layertest.Extent{Offset: 300, Data: "b"},
			layertest.Extent{Offset: 500, Data: "c"}, layertest.Extent{Offset: 700, Data: "d"})))
	}
	f.Fuzz(func(t *testing.T, given []byte) {
		b := bytes.Clone(given)
		seal(b)
		for _, inBlob := range []bool{false, true} {
			fuzzOne(t, b, inBlob)
		}
	})
}

// seal makes the checksums of headers right: no mutation would come past them.
func seal(b []byte) {
	for ; len(b) >= 512; b = b[512:] {
		if string(b[257:262]) == "ustar" {
			layertest.Seal(b[:512])
		}
	}
}

func fuzzOne(t *testing.T, b []byte, inBlob bool) {
	s := &layertest.Store{Dir: t.TempDir()}
	dir := t.TempDir()
	diffID, err := layer.Unpack(context.Background(), dir, bytes.NewReader(b), layer.UnpackOptions{Large: s, InBlob: inBlob})
	if err != nil {
		if _, ok := errors.AsType[*layer.FormatError](err); !ok {
			t.Fatal(err)
		}
		return
	}
	if diffID != digest.FromBytes(b) {
		t.Fatalf("diffID %s", diffID)
	}
	if inBlob {
		s.PutBlob(t, b)
	}
	l, err := layer.Open(dir, diffID, s)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := contents(l); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(b)+1)
	if n, err := l.ReadTarAt(got, 0); err != io.EOF || !bytes.Equal(got[:n], b) {
		t.Fatalf("the tar differs (%v)", err)
	}
}
