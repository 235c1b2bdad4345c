package archive_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/imagefs/imagefs/store/archive"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestCompressor(t *testing.T) {
	want := bytes.Repeat([]byte("imagefs"), 1<<18)
	for name, open := range map[string]func(io.Reader) (io.Reader, error){
		"x.tar":     func(r io.Reader) (io.Reader, error) { return r, nil },
		"x.tar.gz":  func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"x.tgz":     func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"x.tar.zst": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		var out bytes.Buffer
		w, err := archive.Compressor(name, &out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(want); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := open(&out)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// TestCutInTheHeader reads what is no more than a part of a compressed stream's header.
func TestCutInTheHeader(t *testing.T) {
	for _, name := range []string{"x.gz", "x.zst", "x.xz"} {
		var whole bytes.Buffer
		var w io.WriteCloser
		var err error
		if w, err = archive.Compressor(name, &whole); name == "x.xz" {
			w, err = xz.NewWriter(&whole)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err = archive.Read(t.Context(), storetest.New(t), bytes.NewReader(whole.Bytes()[:8]), nil)
		if !atFault(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
