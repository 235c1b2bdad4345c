package names

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store"
)

// succession is a line of servers on one connection, without a kernel.
type succession struct {
	t      *testing.T
	engine *fakeEngine
	store  *store.Store
	config Config
	*FS
	kill func()
}

func newSuccession(t *testing.T) *succession {
	s := &succession{t: t, store: testStore(t)}
	s.engine = newFakeEngine(s.store)
	s.config = Config{
		Mountpoint: "/images", Content: "/run/imagefs/x", State: t.TempDir(), Connection: "1", Log: t.Logf,
	}
	s.next()
	t.Cleanup(func() { s.kill() })
	return s
}

// next ends the server, as far as that can be told from kill -9, and starts another one.
func (s *succession) next() {
	s.t.Helper()
	if s.kill != nil {
		s.kill()
	}
	ctx, cancel := context.WithCancel(context.Background())
	f, err := newFS(ctx, s.engine, s.engine.store, s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.FS, s.kill = f, func() { cancel(); f.Wait() }
}

// node walks to a path as the kernel does.
func (s *succession) node(path string) uint64 {
	s.t.Helper()
	id := uint64(fuse.FUSE_ROOT_ID)
	for part := range strings.SplitSeq(path, "/") {
		var out fuse.EntryOut
		if code := s.Lookup(nil, &fuse.InHeader{NodeId: id}, part, &out); !code.Ok() {
			s.t.Fatalf("lookup %s: %v", path, code)
		}
		id = out.NodeId
	}
	return id
}

func (s *succession) write(node, handle, unique uint64, line string) string {
	in := fuse.WriteIn{InHeader: fuse.InHeader{NodeId: node, Unique: unique}, Fh: handle, Flags: unix.O_RDWR}
	n, code := s.Write(make(chan struct{}), &in, []byte(line))
	return fmt.Sprint(n, " ", code)
}

func (s *succession) read(node, handle, unique uint64) string {
	in := fuse.ReadIn{InHeader: fuse.InHeader{NodeId: node, Unique: unique}, Fh: handle, Flags: unix.O_RDWR, Size: 4096}
	buf := make([]byte, in.Size)
	result, code := s.Read(make(chan struct{}), &in, buf)
	if !code.Ok() {
		return code.String()
	}
	text, _ := result.Bytes(nil)
	return string(text)
}

func (s *succession) want(got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("got %q, want %q", got, want)
	}
}

func (s *succession) wantPulls(n int) {
	s.t.Helper()
	if got := s.engine.pulled(); len(got) != n {
		s.t.Errorf("%d pulls, want %d: %v", len(got), n, got)
	}
}

func TestAnsweredAgain(t *testing.T) {
	s := newSuccession(t)
	pull := s.node("ctl/pull")
	s.want(s.write(pull, 10, 12, "ok\n"), "3 OK")
	s.want(s.write(pull, 20, 22, "a\nnope\nb\n"), "2 OK")
	s.want(s.write(pull, 20, 24, "nope\nb\n"), "0 2=no such file or directory")
	s.want(s.write(pull, 30, 32, "x\nnope\n"), "2 OK")
	s.want(s.write(pull, 40, 42, "--bad\n"), "0 22=invalid argument")
	s.wantPulls(5)
	for range 2 {
		s.next()
		s.want(s.write(pull, 10, 12, "ok\n"), "3 OK")
		s.want(s.write(pull, 20, 22, "a\nnope\nb\n"), "2 OK")
		s.want(s.write(pull, 20, 24, "nope\nb\n"), "0 2=no such file or directory")
		s.want(s.write(pull, 30, 34, "nope\n"), "0 2=no such file or directory") // the next try, of another server
		s.want(s.write(pull, 40, 42, "--bad\n"), "0 22=invalid argument")
		s.wantPulls(5)
	}
	readBack := "Pulling a\nStatus: Downloaded a\nPulling nope\nerror: no such image: nope (try another)\n"
	s.want(s.read(pull, 20, 50), readBack)
	s.want(s.read(pull, 20, 52), "")
	s.next()
	s.want(s.read(pull, 20, 50), readBack) // the same READ, whose answer was lost
	s.want(s.read(pull, 20, 54), "")
	s.want(s.write(pull, 60, 62, "ok\n"), "3 OK")
	s.want(s.read(s.node("ctl/jobs/7/command"), 70, 72), "pull ok\n")
}

// TestKilledAtWork leaves two jobs running: the one in the background goes on by itself, the other when it is asked for
// again, under the same numbers.
func TestKilledAtWork(t *testing.T) {
	s := newSuccession(t)
	pull := s.node("ctl/pull")
	s.want(s.write(pull, 10, 12, "-d slow\n"), "8 OK")
	s.want(s.read(pull, 10, 14), "1\n")
	go s.write(pull, 20, 22, "slow\n")
	eventually(t, "both run", func() bool { return len(s.engine.pulled()) == 2 })
	wait := s.node("ctl/jobs/2/wait")
	s.next()
	eventually(t, "one runs again", func() bool { return len(s.engine.pulled()) == 3 })
	s.want(s.write(pull, 10, 12, "-d slow\n"), "8 OK")
	waited := make(chan string)
	go func() { waited <- s.read(wait, 30, 32) }()
	go func() { waited <- s.write(pull, 20, 22, "slow\n") }()
	eventually(t, "the other runs again", func() bool { return len(s.engine.pulled()) == 4 })
	close(s.engine.release)
	got := map[string]bool{<-waited: true, <-waited: true}
	if !got["5 OK"] || !got["Pulling slow\nStatus: Downloaded slow\n"] {
		t.Error(got)
	}
	s.want(s.read(s.node("ctl/jobs/1/wait"), 40, 42), "Pulling slow\nStatus: Downloaded slow\n")
	s.wantPulls(4)
}

// TestOtherConnection forgets the jobs of an earlier mount.
func TestOtherConnection(t *testing.T) {
	s := newSuccession(t)
	s.want(s.write(s.node("ctl/pull"), 10, 12, "ok\n"), "3 OK")
	s.config.Connection = "2"
	s.next()
	s.want(s.write(s.node("ctl/pull"), 10, 12, "ok\n"), "3 OK")
	s.wantPulls(2)
	s.want(s.read(s.node("ctl/jobs/1/command"), 20, 22), "pull ok\n")
}

// TestIDs wants a successor to know all that is listed, and that no id depends on the server.
func TestIDs(t *testing.T) {
	s := newSuccession(t)
	known := map[string]uint64{}
	var walk func(dir string)
	walk = func(dir string) {
		list, err := s.readDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			path := join(dir, e.Name())
			known[path] = s.node(path)
			if e.IsDir() {
				walk(path)
			}
		}
	}
	s.write(s.node("ctl/pull"), 10, 12, "ok\n")
	walk(".")
	alias := s.node("alpine:3.19")
	s.next()
	for path, id := range known {
		var out fuse.AttrOut
		if code := s.GetAttr(nil, &fuse.GetAttrIn{InHeader: fuse.InHeader{NodeId: id}}, &out); !code.Ok() {
			t.Errorf("%s: %v", path, code)
		}
	}
	var out fuse.AttrOut
	code := s.GetAttr(nil, &fuse.GetAttrIn{InHeader: fuse.InHeader{NodeId: alias}}, &out)
	if code != fuse.Status(unix.ESTALE) || s.node("alpine:3.19") != alias {
		t.Errorf("an alias: %v", code)
	}
}

func TestSameHash(t *testing.T) {
	table := newIDs()
	id, err := table.add("a")
	if err != nil {
		t.Fatal(err)
	}
	table.paths[id] = "b" // as if it had the same hash
	if _, err := table.add("a"); err != unix.EIO {
		t.Error(err)
	}
	if path, err := table.path(table.next(id)); path != "b" || err != nil {
		t.Error(path, err)
	}
	table.retain(func(string) bool { return false })
	if _, err := table.path(id); err != unix.ESTALE {
		t.Error(err)
	}
}

// TestListing reads a directory a few entries at a time, from one server and the next, while tags come: each that is
// there all the time is listed once.
func TestListing(t *testing.T) {
	s := newSuccession(t)
	dir := s.node("docker.io/library/alpine")
	want, err := fs.ReadDir(s.view(), "docker.io/library/alpine")
	if err != nil {
		t.Fatal(err)
	}
	seen, offset := map[string]int{}, uint64(0)
	for round := range 100 {
		buf := make([]byte, 64)
		list := fuse.NewDirEntryList(buf, offset)
		in := &fuse.ReadIn{InHeader: fuse.InHeader{NodeId: dir}, Offset: offset}
		if code := s.ReadDir(nil, in, list); !code.Ok() {
			t.Fatal(code)
		}
		entries, err := fuse.ParseDirEntries(list.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			seen[e.Name]++
			offset = e.Off
		}
		testImage(t, "alpine").Publish(t, s.store, fmt.Sprintf("docker.io/library/alpine:new%d", round))
		s.next()
	}
	for _, e := range want {
		if seen[e.Name()] != 1 {
			t.Errorf("%s: %d times", e.Name(), seen[e.Name()])
		}
	}
	if seen["."] != 1 || seen[".."] != 1 {
		t.Error(seen)
	}
}

// TestRenamedAgain renames a link a second time whose server had given the name, and not yet forgotten the link.
func TestRenamedAgain(t *testing.T) {
	s := newSuccession(t)
	const dir = "docker.io/library/alpine"
	node := s.node(dir)
	var out fuse.EntryOut
	if code := s.Symlink(nil, &fuse.InHeader{NodeId: node, Unique: 10}, "3.19", ".new", &out); !code.Ok() {
		t.Fatal(code)
	}
	link := s.made.current.Load().Links[dir+"/.new"]
	in := &fuse.RenameIn{InHeader: fuse.InHeader{NodeId: node, Unique: 12}, Newdir: node}
	if code := s.Rename(nil, in, ".new", "new"); !code.Ok() {
		t.Fatal(code)
	}
	if err := s.made.end(func(m *Made) { m.Links[dir+"/.new"] = link }); err != nil {
		t.Fatal(err)
	}
	s.next()
	if code := s.Rename(nil, in, ".new", "new"); !code.Ok() {
		t.Error(code)
	}
	if got := s.engine.changed(); len(got) != 1 || len(s.made.current.Load().Links) != 0 {
		t.Errorf("changed %q, left %v", got, s.made.current.Load().Links)
	}
}
