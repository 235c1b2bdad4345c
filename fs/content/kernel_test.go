package content

import (
	"fmt"
	"path"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// record is a log.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) printf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

// What follows asks what the kernel asks, without a kernel.

func lookup(t testing.TB, f *FS, dir uint64, name string) (out fuse.EntryOut, status fuse.Status) {
	t.Helper()
	status = f.Lookup(nil, &fuse.InHeader{NodeId: dir}, name, &out)
	return out, status
}

func getattr(t testing.TB, f *FS, id uint64) (fuse.AttrOut, fuse.Status) {
	t.Helper()
	in, out := fuse.GetAttrIn{InHeader: fuse.InHeader{NodeId: id}}, fuse.AttrOut{}
	status := f.GetAttr(nil, &in, &out)
	return out, status
}

// resolve walks a path from the root.
func resolve(t testing.TB, f *FS, where string) fuse.EntryOut {
	t.Helper()
	at := fuse.EntryOut{NodeId: rootID}
	dir, base := path.Split(where)
	if dir != "" {
		at = resolve(t, f, path.Clean(dir))
	}
	out, status := lookup(t, f, at.NodeId, base)
	if status != fuse.OK || out.NodeId == 0 {
		t.Fatalf("lookup %q: node %d, %v", where, out.NodeId, status)
	}
	return out
}

// read reads with requests of size bytes.
func read(t testing.TB, f *FS, id uint64, size int) ([]byte, fuse.Status) {
	t.Helper()
	var all []byte
	for {
		buf := make([]byte, size)
		in := fuse.ReadIn{InHeader: fuse.InHeader{NodeId: id}, Offset: uint64(len(all)), Size: uint32(size)}
		result, status := f.Read(nil, &in, buf)
		if status != fuse.OK {
			return all, status
		}
		data, status := result.Bytes(buf)
		if status != fuse.OK {
			return all, status
		}
		all = append(all, data...)
		if len(data) < size {
			return all, fuse.OK
		}
	}
}

// content reads a file by its path, and compares its size with what was told of it.
func content(t testing.TB, f *FS, where string) string {
	t.Helper()
	out := resolve(t, f, where)
	data, status := read(t, f, out.NodeId, 4096)
	if status != fuse.OK {
		t.Fatalf("read %q: %v", where, status)
	}
	if uint64(len(data)) != out.Size {
		t.Errorf("%q has %d bytes, its attributes say %d", where, len(data), out.Size)
	}
	return string(data)
}

// listed is an entry of READDIRPLUS.
type listed struct {
	fuse.DirEntry
	out fuse.EntryOut
}

// readdirplus lists a directory with replies of size bytes.
func readdirplus(t testing.TB, f *FS, id uint64, size int) (all []listed) {
	t.Helper()
	for offset := uint64(0); ; {
		list := fuse.NewDirEntryList(make([]byte, size), offset)
		in := fuse.ReadIn{InHeader: fuse.InHeader{NodeId: id}, Offset: offset, Size: uint32(size)}
		if status := f.ReadDirPlus(nil, &in, list); status != fuse.OK {
			t.Fatalf("readdirplus of %#x from %d: %v", id, offset, status)
		}
		entries, outs, err := fuse.ParseDirLookupEntries(list.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			return all
		}
		for i := range entries {
			all = append(all, listed{entries[i], outs[i]})
		}
		offset = entries[len(entries)-1].Off
	}
}

func readdir(t testing.TB, f *FS, id, offset uint64, size int) (all []fuse.DirEntry) {
	t.Helper()
	for {
		list := fuse.NewDirEntryList(make([]byte, size), offset)
		in := fuse.ReadIn{InHeader: fuse.InHeader{NodeId: id}, Offset: offset, Size: uint32(size)}
		if status := f.ReadDir(nil, &in, list); status != fuse.OK {
			t.Fatalf("readdir of %#x from %d: %v", id, offset, status)
		}
		entries, err := fuse.ParseDirEntries(list.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			return all
		}
		all = append(all, entries...)
		offset = entries[len(entries)-1].Off
	}
}

// walk calls visit with everything below a directory, by its path.
func walk(t testing.TB, f *FS, dir uint64, where string, visit func(where string, parent uint64, e listed)) {
	t.Helper()
	for _, e := range readdirplus(t, f, dir, 4096) {
		if e.Name == "." || e.Name == ".." {
			continue
		}
		below := path.Join(where, e.Name)
		visit(below, dir, e)
		if e.out.IsDir() {
			walk(t, f, e.out.NodeId, below, visit)
		}
	}
}

func diff(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
