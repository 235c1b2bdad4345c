package layer_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// text is n bytes that differ from block to block and compress to nothing.
func text(seed uint64, n int) string {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	b := make([]byte, n)
	r.Read(b)
	return string(b)
}

// everything has an entry of each kind, payloads of each size that matters, and every form of framing.
func everything(t testing.TB) []byte {
	t.Helper()
	b := layertest.Tar(t,
		layertest.Global(map[string]string{"comment": "a global header"}),
		layertest.Dir("."),
		layertest.Dir("etc").WithXattr("user.dir", "d"),
		layertest.File("etc/empty", ""),
		layertest.File("etc/small", text(1, 10)),
		layertest.File("etc/block", text(2, 16<<10)),
		layertest.File("etc/more", text(3, 16<<10+1)),
		layertest.File("etc/blocks", text(4, 300_000)).WithXattr("security.capability", "\x01\x00\x00\x02\x00\xff"),
		layertest.File("lib/large", text(5, 1<<20)),
		layertest.File("lib/larger", text(6, 1<<20+12345)),
		layertest.Link("lib/link", "etc/small"),
		layertest.Symlink("lib/symlink", "../etc/small"),
		layertest.Char("dev/null", 1, 3),
		layertest.Block("dev/sda", 8, 300),
		layertest.Fifo("dev/fifo"),
		layertest.Whiteout("usr/gone"),
		layertest.Opaque("usr/share"),
		layertest.File(".wh..wh.plnk/12.34", "what aufs kept"),
		layertest.Sparse(layertest.SparsePAX10, "var/sparse", 100_000, layertest.Extent{Offset: 5000, Data: text(7, 20_000)}),
		layertest.Sparse(layertest.SparseGNU, "var/hole", 1<<40),
		layertest.File(strings.Repeat("long/", 60)+"name", "x").WithFormat(tar.FormatGNU),
		layertest.File("last", text(8, 700)))
	return append(b, "trailing bytes that belong to the diffID"...)
}

// contents reads every entry and every byte of a layer, in a form that can be compared.
func contents(l *layer.Layer) (string, error) {
	var b strings.Builder
	for i := range l.Len() {
		if err := describe(&b, l, i); err != nil {
			return "", err
		}
	}
	sum, err := tarDigest(l)
	b.WriteString(sum.String())
	return b.String(), err
}

func describe(b *strings.Builder, l *layer.Layer, i int) error {
	e, err := l.Entry(i)
	if err != nil {
		return err
	}
	xattrs, err := l.Xattrs(i)
	if err != nil {
		return err
	}
	fmt.Fprintln(b, i, e, xattrs)
	switch e.Type {
	case layer.HardLink:
		target, ok, err := l.Target(i)
		if err != nil {
			return err
		}
		fmt.Fprintln(b, target, ok)
	case layer.Regular:
		if e.Attr.Size > 1<<24 { // holes
			return nil
		}
		d, err := l.Digest(i)
		if err != nil {
			return err
		}
		data, err := content(l, i, e.Attr.Size)
		if err != nil {
			return err
		}
		fmt.Fprintln(b, d, digest.FromBytes(data))
	}
	return nil
}

func content(l *layer.Layer, i int, size int64) ([]byte, error) {
	b := make([]byte, size)
	n, err := l.ReadAt(i, b, 0)
	if err == io.EOF && n == 0 {
		err = nil
	}
	return b[:n], err
}

func tarDigest(l *layer.Layer) (digest.Digest, error) {
	h := sha256.New()
	r := struct{ io.Reader }{io.NewSectionReader(tarReader{l}, 0, l.TarSize())}
	_, err := io.CopyBuffer(h, r, make([]byte, 128<<10))
	return digest.NewDigest(digest.SHA256, h), err
}

type tarReader struct{ l *layer.Layer }

func (r tarReader) ReadAt(p []byte, off int64) (int, error) { return r.l.ReadTarAt(p, off) }

// forms unpacks a tar both ways.
func forms(t *testing.T, b []byte, check func(t *testing.T, l *layer.Layer)) {
	t.Helper()
	t.Run("pack", func(t *testing.T) { check(t, layertest.Unpack(t, b)) })
	t.Run("blob", func(t *testing.T) { check(t, layertest.UnpackBlob(t, b)) })
}

// entries maps names to their last entry.
func entries(t *testing.T, l *layer.Layer) map[string]int {
	t.Helper()
	byName := make(map[string]int)
	for i := range l.Len() {
		byName[entryAt(t, l, i).Name] = i
	}
	return byName
}

func entryAt(t *testing.T, l *layer.Layer, i int) layer.Entry {
	t.Helper()
	e, err := l.Entry(i)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// unpack unpacks a stream where nothing but the error matters.
func unpack(t testing.TB, stream io.Reader) error {
	t.Helper()
	o := layer.UnpackOptions{Large: &layertest.Store{Dir: t.TempDir()}}
	_, err := layer.Unpack(t.Context(), t.TempDir(), stream, o)
	return err
}

func isFormatError(err error) bool {
	_, ok := errors.AsType[*layer.FormatError](err)
	return ok
}

func isCorrupt(err error) bool {
	_, ok := errors.AsType[*layer.CorruptError](err)
	return ok
}

func raw(block []byte, body ...byte) layertest.Entry {
	body = append(body, make([]byte, -len(body)&511)...)
	return layertest.Entry{Raw: append(bytes.Clone(block), body...)}
}
