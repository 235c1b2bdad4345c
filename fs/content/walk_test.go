package content

import (
	"path"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/storetest"
)

// TestListedEntriesLookUp compares what READDIRPLUS, READDIR, LOOKUP and GETATTR tell of everything in the tree.
func TestListedEntriesLookUp(t *testing.T) {
	s := stock(t)
	nodes := 0
	walk(t, s.fs, rootID, "", func(where string, parent uint64, e listed) {
		nodes++
		found, status := lookup(t, s.fs, parent, e.Name)
		if status != fuse.OK {
			t.Fatalf("lookup %q: %v", where, status)
		}
		diff(t, where+": LOOKUP and READDIRPLUS", e.out, found)
		if e.Ino != e.out.NodeId || e.out.Ino != e.out.NodeId || e.Mode != e.out.Mode&unix.S_IFMT {
			t.Errorf("%q: entry %v of node %#x, mode %o", where, e.DirEntry, e.out.NodeId, e.out.Mode)
		}
		attr, status := getattr(t, s.fs, e.out.NodeId)
		if status != fuse.OK {
			t.Fatalf("getattr %q: %v", where, status)
		}
		diff(t, where+": GETATTR and LOOKUP", attr.Attr, found.Attr)
		if e.out.IsDir() {
			checkDirectory(t, s.fs, where, e.out)
		}
	})
	if nodes < 150 {
		t.Errorf("only %d nodes", nodes)
	}
	if len(s.log.lines) > 0 {
		t.Errorf("log: %q", s.log.lines)
	}
}

// checkDirectory lists a directory in replies of one entry and of all, from every offset, and counts its links.
func checkDirectory(t *testing.T, f *FS, where string, out fuse.EntryOut) {
	t.Helper()
	all := readdir(t, f, out.NodeId, 0, 64<<10)
	diff(t, where+": one entry a reply", readdir(t, f, out.NodeId, 0, 288), all)
	links := uint32(0)
	for i, e := range all {
		diff(t, where+": from an offset", readdir(t, f, out.NodeId, e.Off, 64<<10), append([]fuse.DirEntry(nil), all[i+1:]...))
		if e.Mode == unix.S_IFDIR {
			links++
		}
	}
	if links != out.Nlink {
		t.Errorf("%q has %d links, and %d directories", where, out.Nlink, links)
	}
	plus := readdirplus(t, f, out.NodeId, 64<<10)
	for i, e := range plus {
		diff(t, where+": READDIRPLUS and READDIR", e.DirEntry, all[i])
	}
	diff(t, where+": dots", []string{all[0].Name, all[1].Name}, []string{".", ".."})
	if all[0].Ino != out.NodeId {
		t.Errorf("%q: . is %#x", where, all[0].Ino)
	}
	if parent := parentOf(t, f, where); all[1].Ino != parent {
		t.Errorf("%q: .. is %#x, not %#x", where, all[1].Ino, parent)
	}
}

func parentOf(t *testing.T, f *FS, where string) uint64 {
	if dir := path.Dir(where); dir != "." {
		return resolve(t, f, dir).NodeId
	}
	return rootID
}

// TestIDsMeanTheSameAfterARestart asks a new process's FS for nodes it has never listed.
func TestIDsMeanTheSameAfterARestart(t *testing.T) {
	s := stock(t)
	type known struct {
		where string
		attr  fuse.Attr
		data  string
		link  string
	}
	ask := func(f *FS, id uint64, where string) known {
		k := known{where: where}
		out, status := getattr(t, f, id)
		if status != fuse.OK {
			t.Fatalf("getattr %q: %v", where, status)
		}
		k.attr = out.Attr
		switch out.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			data, status := read(t, f, id, 100_000)
			if status != fuse.OK {
				t.Fatalf("read %q: %v", where, status)
			}
			k.data = string(data)
		case unix.S_IFLNK:
			target, status := f.Readlink(nil, &fuse.InHeader{NodeId: id})
			if status != fuse.OK {
				t.Fatalf("readlink %q: %v", where, status)
			}
			k.link = string(target)
		}
		return k
	}
	before := map[uint64]known{}
	walk(t, s.fs, rootID, "", func(where string, _ uint64, e listed) {
		before[e.out.NodeId] = ask(s.fs, e.out.NodeId, where)
	})
	again := New(storetest.Open(t, s.store.Dir()), nil, s.log.printf)
	for id, k := range before {
		if got := ask(again, id, k.where); got != k {
			t.Errorf("%q is %#v, was %#v", k.where, got.attr, k.attr)
		}
	}
}

func TestImagesShareNodes(t *testing.T) {
	s := stock(t)
	small, app, other := s.small.ID.Encoded(), s.app.ID.Encoded(), s.other.ID.Encoded()
	node := func(where string) uint64 { return resolve(t, s.fs, where).NodeId }
	diffOf := func(image, position string) string {
		for _, e := range readdirplus(t, s.fs, node(image+"/layers"), 64<<10) {
			if strings.HasPrefix(e.Name, position) {
				return image + "/layers/" + e.Name + "/diff/"
			}
		}
		t.Fatalf("no layer %s", position)
		return ""
	}
	same := [][2]string{
		{small + "/rootfs/etc/hostname", app + "/rootfs/etc/hostname"},
		{small + "/rootfs/large", other + "/rootfs/large"},
		{small + "/rootfs/bin/link", app + "/rootfs/bin/link"},
		{small + "/rootfs/null", other + "/rootfs/null"},
		{small + "/rootfs/bin/tool", small + "/rootfs/bin/other"},
		{small + "/rootfs/etc/hostname", diffOf(small, "00-") + "etc/hostname"},
		{small + "/rootfs/bin/kept", diffOf(app, "00-") + "bin/kept2"},
		{app + "/rootfs/two", other + "/rootfs/deux"},
		{app + "/rootfs/two", diffOf(other, "01-") + "deux"},
		{app + "/rootfs/bin/kept", app + "/rootfs/bin/third"},
	}
	for _, pair := range same {
		if node(pair[0]) != node(pair[1]) {
			t.Errorf("%q and %q are two nodes", pair[0], pair[1])
		}
	}
	differ := [][2]string{
		{small + "/rootfs/bin/kept", app + "/rootfs/bin/kept"}, // three names, not two
		{small + "/rootfs/bin/tool", app + "/rootfs/bin/tool"}, // one name, not two
		{app + "/rootfs/bin/kept", other + "/rootfs/bin/kept"}, // not the same stack
		{app + "/rootfs/bin/kept", diffOf(app, "01-") + "bin/third"},
		{small + "/rootfs/etc", app + "/rootfs/etc"},
		{small + "/rootfs", small + "/layers"},
		{small + "/rootfs/etc", diffOf(small, "00-") + "etc"},
	}
	for _, pair := range differ {
		if node(pair[0]) == node(pair[1]) {
			t.Errorf("%q and %q are one node", pair[0], pair[1])
		}
	}
	for where, links := range map[string]uint32{
		small + "/rootfs/bin/kept": 2, app + "/rootfs/bin/kept": 3, app + "/rootfs/bin/tool": 1,
		small + "/rootfs/bin/tool": 2, diffOf(app, "01-") + "bin/third": 1, app + "/rootfs/deux": 2,
	} {
		if out := resolve(t, s.fs, where); out.Nlink != links {
			t.Errorf("%q has %d links, not %d", where, out.Nlink, links)
		}
	}
}

func TestUnknownNodesAreStale(t *testing.T) {
	s := stock(t)
	for _, id := range []uint64{
		0, 2, nodeID(1<<31, 0), nodeID(s.app.Number, 999), nodeID(s.app.Number, treeBit|999999),
		nodeID(s.app.Number, firstBlob+99), nodeID(s.app.Chains[0].Number, 99999),
		nodeID(s.app.Chains[0].Number, 0),                  // a directory of the layer
		nodeID(s.app.Chains[1].Number, treeBit),            // not a hard link
		nodeID(s.app.Chains[1].Number, treeBit|diffBit|99), // no such node
	} {
		if _, status := getattr(t, s.fs, id); status != fuse.Status(unix.ESTALE) {
			t.Errorf("node %#x: %v", id, status)
		}
	}
	if len(s.log.lines) > 0 {
		t.Errorf("log: %q", s.log.lines)
	}
}

// FuzzNode asks everything of any id.
func FuzzNode(f *testing.F) {
	s := stock(f)
	for _, im := range []uint32{s.small.Number, s.app.Number, s.app.Number + 1, s.app.Chains[0].Number, s.app.Chains[1].Number} {
		for _, local := range []uint32{0, 5, firstBlob, treeBit, treeBit | diffBit} {
			f.Add(nodeID(im, local), uint64(0), "etc")
		}
	}
	f.Fuzz(func(t *testing.T, id, offset uint64, name string) {
		out, status := getattr(t, s.fs, id)
		if status == fuse.OK && out.Ino != id {
			t.Errorf("node %#x has inode %#x", id, out.Ino)
		}
		entry, status := lookup(t, s.fs, id, name)
		if status == fuse.OK && entry.NodeId != 0 {
			if _, status := getattr(t, s.fs, entry.NodeId); status != fuse.OK {
				t.Errorf("%q in %#x is node %#x: %v", name, id, entry.NodeId, status)
			}
		}
		in := fuse.ReadIn{InHeader: fuse.InHeader{NodeId: id}, Offset: offset, Size: 4096}
		s.fs.Read(nil, &in, make([]byte, 4096))
		s.fs.ReadDirPlus(nil, &in, fuse.NewDirEntryList(make([]byte, 4096), offset))
		s.fs.Readlink(nil, &in.InHeader)
		s.fs.ListXAttr(nil, &in.InHeader, nil)
		s.fs.GetXAttr(nil, &in.InHeader, name, nil)
	})
}
