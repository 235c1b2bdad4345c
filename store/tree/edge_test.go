package tree

import (
	"archive/tar"
	"strings"
	"testing"
	"time"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

// edgeLayers are the layers of the edge-case image, base first. They leave out where umoci is known to differ:
// docs/semantics.md.
func edgeLayers(t *testing.T) [][]byte {
	long := strings.Repeat("l", 255)
	deep := strings.Repeat(strings.Repeat("d", 120)+"/", 4)
	return [][]byte{
		layertest.Tar(t,
			with(layertest.Dir("."), func(h *tar.Header) { h.Mode, h.Uid = 0o1755, 7 }),
			layertest.Dir("kept"), layertest.File("kept/file", "kept"), layertest.File("kept/whited", "x"),
			layertest.Dir("opaque"), layertest.File("opaque/hidden", "x"), layertest.File("opaque/again", "old"),
			layertest.Dir("opaque/dir"), layertest.File("opaque/dir/hidden", "x"),
			layertest.Dir("removed"), layertest.File("removed/x", "x"),
			layertest.Dir("remade"), layertest.File("remade/old", "x"),
			layertest.Dir("to-file"), layertest.File("to-file/x", "x"),
			layertest.Dir("to-symlink"), layertest.File("to-symlink/x", "x"),
			layertest.File("to-dir", "x"), layertest.Symlink("link-to-dir", "kept"), layertest.File("file-to-fifo", "x"),
			layertest.Symlink("link-to-file", "kept/file"), layertest.Fifo("fifo-to-link"),
			layertest.Dir("merged"), layertest.File("merged/lower", "lower"),
			layertest.Dir("usr"), layertest.Dir("usr/lib"), layertest.Symlink("lib", "usr/lib"),
			layertest.Symlink("abs", "/usr/lib"), layertest.Symlink("up", "../../usr/lib"),
			layertest.Symlink("dangling", "made/by/link"), layertest.Symlink("usr/around", "../usr/./lib/../lib"),
			layertest.File("group/one", "group"), layertest.Link("group/two", "group/one"), layertest.Link("group/three", "group/two"),
			layertest.File("pair/one", "pair"), layertest.Link("pair/two", "pair/one"),
			layertest.File("single", "single"), layertest.Fifo("fifo"), layertest.Link("fifo-link", "fifo"),
			layertest.Symlink("sym", "nowhere"), layertest.Link("sym-link", "sym"),
			layertest.Char("null", 1, 3), layertest.Link("null-link", "null"), layertest.Block("sda", 8, 300),
			layertest.Link("sda-link", "sda"),
			layertest.File("twice", "one"), layertest.Link("twice-link", "twice"), layertest.File("twice", "two!"),
			layertest.Dir("turn"), layertest.File("turn/x", "x"), layertest.File("turn", "file"), layertest.Dir("turn"),
			layertest.Sparse(layertest.SparsePAX10, "sparse", 300000, layertest.Extent{Offset: 4096, Data: "data"}),
			layertest.File("./dot/./slash", "1"), layertest.File("/rooted", "2"), layertest.File("no/parent/here", "3"),
		),
		layertest.Tar(t,
			layertest.Whiteout("removed"), layertest.Whiteout("never/was"), layertest.Whiteout("nor-this"),
			layertest.Whiteout("kept/whited"),
			layertest.Dir("opaque"), layertest.File("opaque/new", "new"), layertest.Opaque("opaque"),
			layertest.File("opaque/again", "new"),
			layertest.Whiteout("remade"), layertest.Dir("remade"), layertest.File("remade/new", "x"),
			layertest.File("to-file", "now a file"), layertest.Symlink("to-symlink", "kept"),
			layertest.Dir("to-dir"), layertest.File("to-dir/x", "x"), layertest.Dir("link-to-dir"), layertest.File("link-to-dir/x", "x"),
			layertest.Fifo("file-to-fifo"), layertest.File("link-to-file", "y"), layertest.Symlink("fifo-to-link", "x"),
			with(layertest.Dir("merged"), func(h *tar.Header) { h.Mode, h.Uid, h.Gid = 0o2700, 5, 6 }),
			layertest.File("merged/upper", "upper"),
			layertest.File("lib/through", "1"), layertest.File("abs/through-abs", "2"), layertest.File("up/through-up", "3"),
			layertest.File("dangling/x", "4"), layertest.File("usr/around/x", "5"), layertest.Link("lib/hard", "abs/through-abs"),
			layertest.Whiteout("group/one"), layertest.Link("pair/three", "pair/two"), layertest.Link("single-link", "single"),
			layertest.Link("sym-third", "sym"), layertest.File("kept/again", "x"), layertest.Whiteout("kept/again"),
		),
		layertest.Tar(t,
			with(layertest.File("suid", "s"), func(h *tar.Header) { h.Mode, h.Uid, h.Gid = 0o4755, 70000, 4294967294 }),
			with(layertest.File("sgid", "s"), func(h *tar.Header) { h.Mode = 0o2711 }),
			with(layertest.Dir("sticky"), func(h *tar.Header) { h.Mode = 0o1777 }),
			with(layertest.File("ancient", ""), func(h *tar.Header) { h.ModTime = time.Unix(-86400*365*3, 250000000) }),
			with(layertest.Symlink("owned", "x"), func(h *tar.Header) { h.Uid, h.Gid = 1000, 1001 }),
			layertest.File(long, "255"), layertest.File(deep+long, "deep"),
			with(layertest.File(deep+"gnu", "g"), func(h *tar.Header) { h.Format, h.ModTime = tar.FormatGNU, time.Unix(9, 0) }),
			layertest.File("latin-\xe9\xff", "not UTF-8"),
			layertest.File("user", "u").WithXattr("user.one", "1").WithXattr("user.two", "\x00\xff"),
			layertest.File("caps", "c").WithXattr("security.capability", "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
			layertest.Dir("with").WithXattr("user.dir", "d").WithXattr("trusted.md5", "t"),
			layertest.File("large", strings.Repeat("0123456789abcdef", layer.LargeSize/16+1)),
			layertest.File("empty", ""),
			layertest.Whiteout("group/three"), layertest.Link("group/four", "group/two"), layertest.Link("group/five", "group/four"),
			layertest.File("pair/two", "broken"),
		),
	}
}

func with(e layertest.Entry, change func(*tar.Header)) layertest.Entry {
	change(&e.Header)
	return e
}
