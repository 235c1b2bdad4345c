package layertest

import (
	"archive/tar"
	"strings"
	"testing"
	"time"

	"github.com/imagefs/imagefs/store/layer"
)

// Edges are the three layers of an image full of edge cases, base first: everything that a layer may have which not
// every reader gets right. They leave out where umoci is known to differ (docs/semantics-tree.md), and GNU tar's old
// format for sparse files, which it cannot read.
func Edges(t testing.TB) [][]byte {
	t.Helper()
	return [][]byte{Tar(t, edgesBelow()...), Tar(t, edgesChanged()...), Tar(t, edgesAdded()...)}
}

// edgesBelow is what the other layers change, and links, devices and odd paths.
func edgesBelow() []Entry {
	return []Entry{
		Dir(".").WithMode(0o1755).WithOwner(7, 0),
		Dir("kept"), File("kept/file", "kept"), File("kept/whited", "x"),
		Dir("opaque"), File("opaque/hidden", "x"), File("opaque/again", "old"), Dir("opaque/dir"), File("opaque/dir/hidden", "x"),
		Dir("removed"), File("removed/x", "x"), Dir("remade"), File("remade/old", "x"), File("odd\\\n\xff-ü", "removed"),
		Dir("to-file"), File("to-file/x", "x"), Dir("to-symlink"), File("to-symlink/x", "x"), File("to-dir", "x"),
		File("file-to-link", "x"), File("file-to-fifo", "x"), Fifo("fifo-to-link"),
		Symlink("link-to-dir", "kept"), Symlink("link-to-file", "kept/file"),
		Dir("merged"), File("merged/lower", "lower"),
		Dir("usr"), Dir("usr/lib"), Symlink("lib", "usr/lib"), Symlink("abs", "/usr/lib"), Symlink("up", "../../usr/lib"),
		Symlink("dangling", "made/by/link"), Symlink("usr/around", "../usr/./lib/../lib"),
		File("group/one", "group"), Link("group/two", "group/one"), Link("group/three", "group/two"),
		File("pair/one", "pair"), Link("pair/two", "pair/one"), File("single", "single"),
		Fifo("fifo"), Link("fifo-link", "fifo"), Symlink("sym", "nowhere"), Link("sym-link", "sym"),
		Char("null", 1, 3), Link("null-link", "null"), Block("sda", 8, 300), Link("sda-link", "sda"),
		File("twice", "one"), Link("twice-link", "twice"), File("twice", "two!"),
		Dir("turn"), File("turn/x", "x"), File("turn", "file"), Dir("turn"),
		Sparse(SparsePAX00, "sparse-0.0", 70000, Extent{0, strings.Repeat("s", 512)}, Extent{65536, "end"}),
		Sparse(SparsePAX01, "sparse-0.1", 70000, Extent{5, strings.Repeat("5", 1024)}, Extent{69999, "z"}),
		Sparse(SparsePAX10, "sparse-1.0", 300000, Extent{4096, "data"}),
		File("./dot/./slash", "1"), Dir("./dotted/."), File("/rooted", "2"), File("no/parent/here", "3"),
		Link("/rooted-link", "/rooted"), Link("./dot-link", "./dot//slash"),
	}
}

// edgesChanged has whiteouts, types that change, paths through symlinks, and links to the layer below.
func edgesChanged() []Entry {
	return []Entry{
		Whiteout("removed"), Whiteout("never/was"), Whiteout("nor-this"), Whiteout("kept/whited"), Whiteout("odd\\\n\xff-ü"),
		Dir("opaque"), File("opaque/new", "new"), Opaque("opaque"), File("opaque/again", "new"),
		Whiteout("remade"), Dir("remade"), File("remade/new", "x"),
		File("to-file", "now a file"), Symlink("to-symlink", "kept"), Dir("to-dir"), File("to-dir/x", "x"),
		Symlink("file-to-link", "kept/file"), Fifo("file-to-fifo"), Symlink("fifo-to-link", "x"),
		Dir("link-to-dir"), File("link-to-dir/x", "x"), File("link-to-file", "y"),
		Dir("merged").WithMode(0o2700).WithOwner(5, 6), File("merged/upper", "upper"),
		File("lib/through", "1"), File("abs/through-abs", "2"), File("up/through-up", "3"),
		File("dangling/x", "4"), File("usr/around/x", "5"), Link("lib/hard", "abs/through-abs"),
		Whiteout("group/one"), Link("pair/three", "pair/two"), Link("single-link", "single"), Link("sym-third", "sym"),
		File("kept/again", "x"), Whiteout("kept/again"),
	}
}

// edgesAdded has modes, owners, times, names and extended attributes.
func edgesAdded() []Entry {
	long := strings.Repeat("l", 255)
	deep := strings.Repeat(strings.Repeat("d", 120)+"/", 4)
	capability := "\x01\x00\x00\x02\x00\x20" + strings.Repeat("\x00", 14) // CAP_NET_RAW, permitted and effective
	return []Entry{
		File("suid", "s").WithMode(0o4755).WithOwner(70000, 4294967294), File("sgid", "s").WithMode(0o2711),
		Dir("sticky").WithMode(0o1777), Symlink("owned", "x").WithOwner(1000, 1001),
		File("owner-gnu", "").WithOwner(1<<21, 1<<32-2).WithFormat(tar.FormatGNU),
		File("ancient", "").WithTime(time.Unix(-86400*365*3, 250000000)), Symlink("ancient-link", "x").WithTime(time.Unix(-1, 1)),
		File("ancient-gnu", "").WithTime(time.Unix(-5, 0)).WithFormat(tar.FormatGNU),
		Dir("future").WithTime(time.Unix(1<<32+1, 999999999)),
		File(long, "255"), File(deep+long, "deep"), Symlink("far", deep+long), Link("far-hard", deep+long),
		File(deep+"gnu-"+long[4:], "g").WithFormat(tar.FormatGNU), Symlink("far-gnu", "gnu/"+deep).WithFormat(tar.FormatGNU),
		Link("far-hard-gnu", deep+"gnu-"+long[4:]).WithFormat(tar.FormatGNU),
		File("latin-\xe9\xff", "not UTF-8"), File("latin-gnu-\xe9\xff", "not UTF-8").WithFormat(tar.FormatGNU),
		Dir("latin-\xfc").WithXattr("user.one", "1"), Symlink("latin-\xfc/link", "\xff\xfe"),
		File("user", "u").WithXattr("user.one", "1").WithXattr("user.two", "\x00\xff"),
		File("caps", "c").WithXattr("security.capability", capability),
		Dir("with").WithXattr("user.dir", "d").WithXattr("trusted.md5", "t"),
		Symlink("with-link", "with").WithXattr("trusted.link", "\x00=\n"), Fifo("with-fifo").WithXattr("trusted.fifo", "f"),
		File("large", strings.Repeat("0123456789abcdef", layer.LargeSize/16+1)), File("empty", ""),
		Whiteout("group/three"), Link("group/four", "group/two"), Link("group/five", "group/four"), File("pair/two", "broken"),
	}
}
