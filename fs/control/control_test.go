package control

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
)

// fakeEngine says that it has pulled. It does nothing else.
type fakeEngine struct {
	Engine
	pulls atomic.Int32
	event func(imagefs.Event)
}

func (e *fakeEngine) Pull(_ context.Context, req imagefs.PullRequest, r imagefs.Reporter) ([]*store.Image, error) {
	e.pulls.Add(1)
	r.Line("pulled " + req.Ref)
	if req.Ref == "bad" {
		return nil, fs.ErrNotExist
	}
	return nil, nil
}

func (e *fakeEngine) Subscribe(_ context.Context, f func(imagefs.Event)) func() {
	e.event = f
	return func() {}
}

func newTree(t *testing.T, e *fakeEngine, dir string) *Tree {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	tree, err := New(ctx, e, Config{State: dir, Connection: "1", Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); tree.Wait() })
	return tree
}

func open(t *testing.T, tree *Tree, path string, handle uint64) Session {
	t.Helper()
	file, ok := tree.File(path)
	if !ok {
		t.Fatal("no ", path)
	}
	return file.Open(handle)
}

func readAll(t *testing.T, s Session) string {
	t.Helper()
	var all []byte
	for p := make([]byte, 100); ; {
		n, err := s.Read(t.Context(), Call{}, p, int64(len(all)))
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return string(all)
		}
		all = append(all, p[:n]...)
	}
}

func TestManyJobs(t *testing.T) {
	e, dir := &fakeEngine{}, t.TempDir()
	tree := newTree(t, e, dir)
	s := open(t, tree, "ctl/pull", 1)
	const n = 3 * jobLimit
	for i := range n {
		line := fmt.Sprintf("image%d", i)
		if i%10 == 0 {
			line = "bad"
		}
		_, err := s.Write(t.Context(), Call{Unique: uint64(100 + 2*i)}, []byte(line))
		if (err == syscall.ENOENT) != (line == "bad") {
			t.Fatal(line, err)
		}
	}
	for _, tree := range []*Tree{tree, newTree(t, e, dir)} {
		list, err := tree.ReadDir("ctl/jobs")
		if err != nil || len(list) != jobLimit+1 {
			t.Errorf("%d jobs, %v", len(list), err)
		}
		if link, err := tree.ReadLink("ctl/jobs/latest"); link != strconv.Itoa(n) || err != nil {
			t.Error(link, err)
		}
		if _, err := tree.Lstat("ctl/jobs/1"); err == nil {
			t.Error("job 1 is still there")
		}
		if log := readAll(t, open(t, tree, "ctl/errors", 2)); strings.Count(log, "Command: bad") != errorLimit {
			t.Error(log)
		}
	}
	if pulls := e.pulls.Load(); pulls != n {
		t.Errorf("%d pulls", pulls)
	}
}

func TestHelp(t *testing.T) {
	tree := newTree(t, &fakeEngine{}, t.TempDir())
	open(t, tree, "ctl/pull", 1).Write(t.Context(), Call{Unique: 2, UID: 7}, []byte("theirs"))
	open(t, tree, "ctl/pull", 3).Write(t.Context(), Call{Unique: 4}, []byte("mine"))
	want := "usage: pull [-d] [--platform OS/ARCH[/VARIANT] | --all-platforms] [-a] NAME[:TAG|@DIGEST]\n\n" +
		"# job 2, done: mine\npulled mine\n"
	if got := readAll(t, open(t, tree, "ctl/pull", 5)); got != want {
		t.Errorf("got %s", got)
	}
}

// TestJournal cuts a journal short, as kill -9 may, and has it written anew when it has grown.
func TestJournal(t *testing.T) {
	e, dir := &fakeEngine{}, t.TempDir()
	s := open(t, newTree(t, e, dir), "ctl/pull", 1)
	for i := range 3 {
		s.Write(t.Context(), Call{Unique: uint64(10 + i)}, []byte("x"))
	}
	path := filepath.Join(dir, "jobs")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for end := 0; end < len(whole); end += 5 {
		if err := os.WriteFile(path, whole[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		tree := newTree(t, e, dir)
		if want := bytes.Count(whole[:end], []byte("\n{\"Start\"")); tree.jobs.newest > want || tree.jobs.newest < want-1 {
			t.Fatalf("%d bytes: %d jobs", end, tree.jobs.newest)
		}
	}
	if err := os.WriteFile(path, append([]byte("{\"Connection\":\"1\"}\n!\n"), whole...), 0o600); err != nil {
		t.Fatal(err)
	}
	tree := newTree(t, e, dir)
	s = open(t, tree, "ctl/pull", 9)
	for i := 0; tree.jobs.journal.bytes < journalLimit; i++ {
		s.Write(t.Context(), Call{Unique: uint64(1000 + i)}, []byte(strings.Repeat("y", 10_000)))
	}
	s.Write(t.Context(), Call{Unique: 7}, []byte("last"))
	if info, err := os.Stat(path); err != nil || tree.jobs.journal.bytes > journalLimit/2 {
		t.Error(info, err)
	}
	pulls := e.pulls.Load()
	open(t, newTree(t, e, dir), "ctl/pull", 9).Write(t.Context(), Call{Unique: 7}, []byte("last"))
	if e.pulls.Load() != pulls {
		t.Error("the last line ran twice")
	}
}

func TestSlowReader(t *testing.T) {
	e := &fakeEngine{}
	tree := newTree(t, e, t.TempDir())
	e.event(imagefs.Event{Action: "nobody reads it"})
	slow := open(t, tree, "ctl/events", 1)
	for i := range feedLimit + 3 {
		e.event(imagefs.Event{Action: strconv.Itoa(i)})
	}
	late := open(t, tree, "ctl/events", 2)
	e.event(imagefs.Event{Action: "last"})
	p := make([]byte, 150)
	n, err := slow.Read(t.Context(), Call{}, p, 0)
	if err != nil || !strings.Contains(string(p[:n]), `"Action":"dropped"`) || !strings.Contains(string(p[:n]), `"events":4`) {
		t.Errorf("%s, %v", p[:n], err)
	}
	n, err = slow.Read(t.Context(), Call{}, p[:5], 0)
	if err != nil || string(p[:n]) != `{"Typ` {
		t.Errorf("%s, %v", p[:n], err)
	}
	n, err = slow.Read(t.Context(), Call{}, p, 0)
	if err != nil || !strings.HasPrefix(string(p[:n]), `e":""`) || !strings.Contains(string(p[:n]), `"4"`) {
		t.Errorf("%s, %v", p[:n], err)
	}
	if !late.Ready(nil) {
		t.Error("not ready")
	}
	if n, err = late.Read(t.Context(), Call{}, p, 0); err != nil || !strings.Contains(string(p[:n]), `"last"`) {
		t.Errorf("%s, %v", p[:n], err)
	}
	woken := make(chan struct{})
	if late.Ready(func() { close(woken) }) {
		t.Error("ready")
	}
	e.event(imagefs.Event{})
	<-woken
	slow.Close()
	late.Close()
	if n := tree.events.Readers(); n != 0 {
		t.Errorf("%d readers", n)
	}
}

func TestRate(t *testing.T) {
	start := time.Now()
	l := layer{First: 100, Since: start, Until: start.Add(2 * time.Second)}
	l.Done = 300
	if got := l.rate(); got != 100 {
		t.Error(got)
	}
	if got := (layer{}).rate(); got != 0 {
		t.Error(got)
	}
}

func TestPaths(t *testing.T) {
	tree := newTree(t, &fakeEngine{}, t.TempDir())
	open(t, tree, "ctl/pull", 1).Write(t.Context(), Call{Unique: 2}, []byte("x"))
	for _, path := range []string{
		"ctl/nope", "ctl/jobs/2", "ctl/jobs/01", "ctl/jobs/-1", "ctl/jobs/1/nope", "ctl/jobs/1/wait/x", "ctl/jobs/x", "ctl/pull/x",
		"ctl/jobs//wait",
	} {
		if _, err := tree.Lstat(path); err == nil {
			t.Error(path, " exists")
		}
	}
	for _, path := range []string{"ctl", "ctl/jobs", "ctl/jobs/1", "ctl/jobs/1/wait", "ctl/events", "ctl/jobs/latest"} {
		if _, err := tree.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}

// Remove says no such image, unless it was to be removed before.
func (e *fakeEngine) Remove(_ context.Context, req imagefs.RemoveRequest, r imagefs.Reporter) error {
	if !req.Again {
		return fs.ErrNotExist
	}
	return nil
}

// TestRemovedAgain answers lines again that a server has begun, and not ended.
func TestRemovedAgain(t *testing.T) {
	dir := t.TempDir()
	journal := "{\"Connection\":\"1\"}\n" + `{"Start":{"job":1,"Verb":"rmi","Command":"x","Handle":1,"Unique":10}}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "jobs"), []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, newTree(t, &fakeEngine{}, dir), "ctl/rmi", 1)
	if _, err := s.Write(t.Context(), Call{Unique: 10}, []byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := s.Write(t.Context(), Call{Unique: 12}, []byte("x")); err != syscall.ENOENT {
		t.Error(err)
	}
}

// TestEndIsKept carries out a line while its server ends.
func TestEndIsKept(t *testing.T) {
	e, dir := &fakeEngine{}, t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	tree, err := New(ctx, e, Config{State: dir, Connection: "1", Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range 2 {
		if _, err := open(t, tree, "ctl/pull", 1).Write(t.Context(), Call{Unique: 10}, []byte("x")); err != nil {
			t.Error(err)
		}
		tree.Wait()
		tree = newTree(t, e, dir)
	}
	if n := e.pulls.Load(); n != 1 {
		t.Errorf("%d pulls", n)
	}
}
