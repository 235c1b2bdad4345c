package layer_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// TestFormatIsFrozen fails when layers on disk would change: then the version in the index has to change too.
func TestFormatIsFrozen(t *testing.T) {
	pax := layertest.Record("SCHILY.xattr.user.a", "b") + layertest.Record("mtime", "-1.5")
	dir := t.TempDir()
	b := layertest.Tar(t,
		raw(layertest.Block512('5', "d/", 0, nil)),
		raw(layertest.Block512('x', "pax", int64(len(pax)), nil), []byte(pax)...),
		raw(layertest.Block512('0', "d/small", 5, nil), []byte("small")...),
		raw(layertest.Block512('0', "d/blocks", 40_000, nil), bytes.Repeat([]byte("blocks! "), 5000)...),
		raw(layertest.Block512('1', "link", 0, func(b []byte) { copy(b[157:], "d/small") })),
		raw(layertest.Block512('2', "symlink", 0, func(b []byte) { copy(b[157:], "d/small") })),
		raw(layertest.Block512('3', "null", 0, func(b []byte) { copy(b[329:], "0000001\x000000003\x00") })),
		raw(layertest.Block512('0', ".wh.gone", 0, nil)),
		layertest.Sparse(layertest.SparsePAX10, "sparse", 1<<40, layertest.Extent{Offset: 1 << 30, Data: "data"}))
	layertest.UnpackIn(t, dir, b, layer.UnpackOptions{Large: &layertest.Store{Dir: t.TempDir()}})
	for name, want := range map[string]digest.Digest{
		"index":     "sha256:4ae6a92979ed1da24d6104b1de4acaec2bc53647c05de76542262b06b9c893cd",
		"pack":      "sha256:ea7eea3a1f5d3aa2e5cf9a9caaa2b797d63350895549318c1345d590d3ba9587",
		"tar-split": "sha256:e7219b2ac8acef246fdbf1fee3d4fdcbeb5f9e36021a99e044afe54dce425afd",
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if d := digest.FromBytes(got); d != want {
			t.Errorf("%s is %s, and was %s", name, d, want)
		}
	}
}
