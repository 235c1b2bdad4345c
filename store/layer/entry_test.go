package layer_test

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/layer/layertest"
)

func TestEntries(t *testing.T) {
	old := time.Date(1955, 11, 5, 6, 15, 0, 999_999_999, time.UTC)
	file := func(name string) layertest.Entry { return layertest.File(name, "x") }
	want := func(name string, kind layer.Type, change func(*layer.Entry)) layer.Entry {
		e := layer.Entry{Name: name, Type: kind}
		e.Attr = layer.Attr{Mode: unix.S_IFREG | 0o644, Nlink: 1, Sec: 1234567890, Nsec: 123456789}
		if kind == layer.Regular {
			e.Attr.Size = 1
		}
		if change != nil {
			change(&e)
		}
		return e
	}
	mode := func(m uint32) func(*layer.Entry) { return func(e *layer.Entry) { e.Attr.Mode = m } }
	long := strings.Repeat(strings.Repeat("d", 255)+"/", 15) + strings.Repeat("f", 255)
	tests := []struct {
		name  string
		entry layertest.Entry
		want  layer.Entry
	}{
		{"file", file("a/b"), want("a/b", layer.Regular, nil)},
		{"leading slash", file("/a/b"), want("a/b", layer.Regular, nil)},
		{"leading dot", file("./a/b"), want("a/b", layer.Regular, nil)},
		{"dots and slashes", file("././a//./b"), want("a/b", layer.Regular, nil)},
		{"file with a slash", rawPAX("path", "a/b/"), want("a/b", layer.Regular, func(e *layer.Entry) { e.Attr.Size, e.Attr.Nsec = 0, 0 })},
		{"two dots in a name", file("a..b/..c"), want("a..b/..c", layer.Regular, nil)},
		{"not UTF-8", file("\xff\xfe"), want("\xff\xfe", layer.Regular, nil)},
		{"255 bytes", file(strings.Repeat("ü", 127) + "x"), want(strings.Repeat("ü", 127)+"x", layer.Regular, nil)},
		{"4095 bytes", file(long), want(long, layer.Regular, nil)},
		{"GNU long name", file(long).WithFormat(tar.FormatGNU), want(long, layer.Regular, func(e *layer.Entry) { e.Attr.Nsec = 0 })},
		{"root", layertest.Dir("."), want(".", layer.Directory, mode(unix.S_IFDIR|0o755))},
		{"root as a slash", layertest.Dir(""), want(".", layer.Directory, mode(unix.S_IFDIR|0o755))},
		{"directory", layertest.Dir("a").WithMode(0o1777), want("a", layer.Directory, mode(unix.S_IFDIR|0o1777))},
		{"setuid", file("a").WithMode(0o6755), want("a", layer.Regular, mode(unix.S_IFREG|0o6755))},
		{"type bits in the mode", file("a").WithMode(0o100755), want("a", layer.Regular, mode(unix.S_IFREG|0o755))},
		{"fifo", layertest.Fifo("a"), want("a", layer.Fifo, mode(unix.S_IFIFO|0o600))},
		{"device", layertest.Char("a", 4095, 1048575), want("a", layer.Char, func(e *layer.Entry) {
			e.Attr.Mode, e.Attr.Rdev = unix.S_IFCHR|0o600, unix.Mkdev(4095, 1048575)
		})},
		{"block device", layertest.Block("a", 8, 1), want("a", layer.Block, func(e *layer.Entry) {
			e.Attr.Mode, e.Attr.Rdev = unix.S_IFBLK|0o600, unix.Mkdev(8, 1)
		})},
		{"symlink", layertest.Symlink("a", "/../b//c").WithMode(0o600), want("a", layer.Symlink, func(e *layer.Entry) {
			e.Link, e.Attr.Mode, e.Attr.Size = "/../b//c", unix.S_IFLNK|0o777, 8
		})},
		{"hard link", layertest.Link("a", "./b//c"), want("a", layer.HardLink, func(e *layer.Entry) { e.Link = "b/c" })},
		{"whiteout", layertest.Whiteout("a/b"), want("a/b", layer.Whiteout, nil)},
		{"whiteout of two letters", file(".wh..x"), want(".x", layer.Whiteout, nil)},
		{"opaque", layertest.Opaque("a/b"), want("a/b", layer.Opaque, nil)},
		{"opaque root", layertest.Opaque(""), want(".", layer.Opaque, nil)},
		{"high ids", file("a").WithOwner(1<<32-2, 70000), want("a", layer.Regular, func(e *layer.Entry) {
			e.Attr.UID, e.Attr.GID = 1<<32-2, 70000
		})},
		{"high ids in base 256", file("a").WithOwner(1<<32-2, 1<<21).WithFormat(tar.FormatGNU), want("a", layer.Regular, func(e *layer.Entry) {
			e.Attr.UID, e.Attr.GID, e.Attr.Nsec = 1<<32-2, 1<<21, 0
		})},
		{"before 1970", file("a").WithTime(old), want("a", layer.Regular, func(e *layer.Entry) {
			e.Attr.Sec, e.Attr.Nsec = old.Unix(), 999_999_999
		})},
		{"before 1970 in base 256", file("a").WithTime(time.Unix(-5, 0)).WithFormat(tar.FormatGNU), want("a", layer.Regular, func(e *layer.Entry) {
			e.Attr.Sec, e.Attr.Nsec = -5, 0
		})},
		{"contiguous file", raw(layertest.Block512(tar.TypeCont, "a", 1, nil), 'x'), want("a", layer.Regular, func(e *layer.Entry) { e.Attr.Nsec = 0 })},
		{"directory of version 7", raw(layertest.Block512(0, "a/", 0, func(b []byte) { clear(b[257:265]) })), want("a", layer.Directory, func(e *layer.Entry) {
			e.Attr.Mode, e.Attr.Nsec = unix.S_IFDIR|0o644, 0
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := layertest.Tar(t, test.entry)
			l := layertest.Unpack(t, b)
			if l.Len() != 1 {
				t.Fatalf("%d entries", l.Len())
			}
			got := entryAt(t, l, 0)
			if test.want.Type == layer.Whiteout || test.want.Type == layer.Opaque {
				got.Attr = test.want.Attr // means nothing
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			checkAlone(t, l, entryAt(t, l, 0))
			if d, err := tarDigest(l); err != nil || d != l.DiffID() {
				t.Errorf("tar %s, %v", d, err)
			}
		})
	}
}

// checkAlone wants the methods that return one thing of entry 0 to agree with Entry.
func checkAlone(t *testing.T, l *layer.Layer, e layer.Entry) {
	t.Helper()
	if kind, err := l.Type(0); kind != e.Type || err != nil {
		t.Errorf("type %v, %v", kind, err)
	}
	if attr, err := l.Attr(0); attr != e.Attr || err != nil {
		t.Errorf("attributes %v, %v", attr, err)
	}
	if link, err := l.Link(0); link != e.Link || err != nil {
		t.Errorf("link %q, %v", link, err)
	}
	if got := e.Attr.MTime(); got.Unix() != e.Attr.Sec {
		t.Errorf("mtime %v", got)
	}
}

func TestRefused(t *testing.T) {
	file := func(name string) layertest.Entry { return layertest.File(name, "x") }
	huge := func(name string, pax map[string]string) layertest.Entry {
		e := file(name)
		e.PAXRecords = pax
		return e
	}
	base256 := func(at int, bytes ...byte) layertest.Entry {
		return raw(layertest.Block512('0', "a", 0, func(b []byte) { copy(b[at:], bytes) }))
	}
	tests := []struct {
		name  string
		entry layertest.Entry
		says  string
	}{
		{"parent", file("a/../b"), `".."`},
		{"parent at the start", file("../b"), `".."`},
		{"parent at the end", layertest.Dir("a/.."), `".."`},
		{"parent in a link", layertest.Link("a", "b/../../c"), `".."`},
		{"parent in a whiteout", file("a/../.wh.b"), `".."`},
		{"long component", file(strings.Repeat("a", 256)), "256 bytes"},
		{"long path", file(strings.Repeat("abc/", 1024) + "d"), "Linux allows 4095"},
		{"no name", raw(layertest.Block512('0', "", 0, nil)), "no name"},
		{"link to no name", raw(layertest.Block512('1', "a", 0, nil)), "hard link to"},
		{"symlink to no name", raw(layertest.Block512('2', "a", 0, nil)), "target"},
		{"long symlink", layertest.Symlink("a", strings.Repeat("b/", 2048)), "target"},
		{"root as a file", raw(layertest.Block512('0', "./", 0, nil)), "root"},
		{"root as a symlink", layertest.Symlink(".", "b"), "root"},
		{"whiteout of nothing", file("a/.wh."), "whiteout"},
		{"whiteout of dot", file("a/.wh.."), "whiteout"},
		{"whiteout of the parent", file(".wh..."), "whiteout"},
		{"uid -1 as 32 bits", file("a").WithOwner(1<<32-1, 0), "out of range"},
		{"gid over 32 bits", file("a").WithOwner(0, 1<<32), "out of range"},
		{"negative uid", file("a").WithOwner(-1, 0).WithFormat(tar.FormatGNU), "out of range"},
		{"negative uid in PAX", rawPAX("uid", "-2"), "out of range"},
		{"uid that is no number", rawPAX("uid", "root"), "damaged header"},
		{"uid over 64 bits", rawPAX("uid", "99999999999999999999"), "damaged header"},
		{"negative size", base256(124, bytes.Repeat([]byte{0xff}, 12)...), "damaged header"},
		{"negative size in PAX", rawPAX("size", "-1"), "damaged header"},
		{"NUL in a path", rawPAX("path", "a\x00b"), "damaged header"},
		{"major", layertest.Char("a", 4096, 0), "device number"},
		{"minor", layertest.Block("a", 0, 1<<20), "device number"},
		{"negative minor", layertest.Char("a", 0, -1).WithFormat(tar.FormatGNU), "device number"},
		{"unknown type", raw(layertest.Block512('Z', "a", 0, nil)), "type 'Z'"},
		{"checksum", raw(append([]byte{'b'}, layertest.Block512('0', "a", 0, nil)[1:]...)), "damaged header"},
		{"xattr without a name", rawPAX("SCHILY.xattr.", "x"), "extended attribute"},
		{"long xattr name", rawPAX("SCHILY.xattr."+strings.Repeat("u", 256), "x"), "256 bytes"},
		{"long xattr", huge("a", map[string]string{"SCHILY.xattr.user.x": strings.Repeat("x", 65537)}), "65537 bytes"},
		{"long PAX header", rawPAX("X.y", strings.Repeat("x", 1<<20)), "too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := layertest.Tar(t, file("before"), test.entry)
			err := unpack(t, bytes.NewReader(b))
			if !isFormatError(err) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}

// rawPAX is a file with one PAX record.
func rawPAX(key, value string) layertest.Entry {
	record := layertest.Record(key, value)
	e := raw(layertest.Block512('x', "pax", int64(len(record)), nil), []byte(record)...)
	e.Raw = append(e.Raw, layertest.Block512('0', "a", 0, nil)...)
	return e
}

func TestRefusalNamesTheEntry(t *testing.T) {
	b := layertest.Tar(t, layertest.File("fine", ""), layertest.File("a/../b", ""))
	if err := unpack(t, bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), `entry "a/../b"`) {
		t.Error(err)
	}
}

func TestXattrs(t *testing.T) {
	binary := "\x01\x00\x00\x02\x00=\xff\n\x00"
	l := layertest.Unpack(t, layertest.Tar(t,
		layertest.File("none", ""),
		layertest.File("a", "").WithXattr("user.z", "last").WithXattr("security.capability", binary).WithXattr("user.m", strings.Repeat("m", 65536)),
		rawPAX("SCHILY.xattr.user.empty", ""),
		rawPAX("LIBARCHIVE.xattr.user.other", "eA=="),
		layertest.Dir("d").WithXattr("user.d", "d")))
	want := [][]layer.Xattr{
		nil,
		{{Name: "security.capability", Value: []byte(binary)}, {Name: "user.m", Value: bytes.Repeat([]byte("m"), 65536)}, {Name: "user.z", Value: []byte("last")}},
		{{Name: "user.empty", Value: []byte{}}},
		nil,
		{{Name: "user.d", Value: []byte("d")}},
	}
	for i := range want {
		got, err := l.Xattrs(i)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("entry %d: %s", i, diff)
		}
	}
}

// TestLeftOut has what is no entry, and entries with payloads that nothing shows; the tar needs all of it.
func TestLeftOut(t *testing.T) {
	b := layertest.Tar(t,
		layertest.Global(map[string]string{"mtime": "99", "uid": "77"}),
		globalSparse(),
		layertest.File(".wh..wh.plnk/1.2", text(1, 30_000)),
		layertest.File("d/.wh..wh.orph", "x"),
		layertest.Dir(".wh..wh.aufs"),
		layertest.File("d/.wh.gone", text(2, 2<<20)),
		layertest.File("kept", "x"))
	forms(t, b, func(t *testing.T, l *layer.Layer) {
		if l.Len() != 2 {
			t.Fatalf("%d entries", l.Len())
		}
		if e := entryAt(t, l, 0); e.Name != "d/gone" || e.Type != layer.Whiteout {
			t.Error(e)
		}
		if e := entryAt(t, l, 1); e.Name != "kept" || e.Attr.UID != 0 || e.Attr.Sec != layertest.Time().Unix() {
			t.Error(e)
		}
		if d, err := tarDigest(l); err != nil || d != l.DiffID() {
			t.Errorf("tar %s, %v", d, err)
		}
	})
}

// globalSparse is a global header that looks like a sparse file's.
func globalSparse() layertest.Entry {
	records := layertest.Record("GNU.sparse.major", "1") + layertest.Record("GNU.sparse.minor", "0")
	return raw(layertest.Block512('g', "g", int64(len(records)), nil), []byte(records)...)
}

// TestHeadersWithoutEnd is a stream of long names that never comes to an entry.
func TestHeadersWithoutEnd(t *testing.T) {
	name := raw(layertest.Block512('L', "././@LongLink", 1<<20, nil), bytes.Repeat([]byte("a"), 1<<20)...)
	err := unpack(t, bytes.NewReader(bytes.Repeat(name.Raw, 20)))
	if !isFormatError(err) || !strings.Contains(err.Error(), "8 MiB") {
		t.Error(err)
	}
}
