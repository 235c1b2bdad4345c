package conn

import (
	"bytes"
	"errors"
	"log"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// kinds are the two ways of serving.
var kinds = map[string]Options{"workers": {Workers: 3}, "a goroutine a request": {}}

func TestWalk(t *testing.T) {
	for name, o := range kinds {
		t.Run(name, func(t *testing.T) {
			m := mountToy(t, 8)
			f := newToy()
			f.cached = true
			m.serve(t, f, o)
			walk(t, m.dir)
		})
	}
}

func TestPanicAndFaultAreEIO(t *testing.T) {
	for name, o := range kinds {
		t.Run(name, func(t *testing.T) {
			var text lockedBuffer
			o.Fuse = &fuse.MountOptions{Logger: log.New(&text, "", 0)}
			m := mountToy(t, 8)
			m.serve(t, newToy(), o)
			for _, file := range []string{"panic", "fault"} {
				for range 5 { // more often than there are workers
					if _, err := readFile(filepath.Join(m.dir, file)); !errors.Is(err, syscall.EIO) {
						t.Errorf("%s: %v", file, err)
					}
				}
			}
			for _, want := range []string{"panic in a handler: toy", "toy_test.go", "fault at 0x"} {
				if !strings.Contains(text.String(), want) {
					t.Errorf("%q is not in the log", want)
				}
			}
		})
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestInodeNotify(t *testing.T) {
	m := mountToy(t, 8)
	f := newToy()
	f.cached = true
	s := m.serve(t, f, Options{Workers: 2})
	read := func() string {
		b, err := readFile(filepath.Join(m.dir, "version"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimLeft(string(b), "0")
	}
	f.version.Store(1)
	if got := read(); got != "1\n" {
		t.Fatalf("got %q", got)
	}
	f.version.Store(2)
	if got := read(); got != "1\n" {
		t.Fatalf("got %q, not cached", got)
	}
	if err := s.InodeNotify(versionNode, 0, 0); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "2\n" {
		t.Fatalf("got %q after InodeNotify", got)
	}
	if err := s.InodeNotify(12345, 0, 0); err != nil {
		t.Errorf("of an unknown node: %v", err)
	}
}

func TestEntryNotify(t *testing.T) {
	m := mountToy(t, 8)
	f := newToy()
	f.cached = true
	s := m.serve(t, f, Options{Workers: 2})
	lookups := func() int64 {
		before := f.requests.Load()
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(m.dir, "d7"), &st); err != nil {
			t.Fatal(err)
		}
		return f.requests.Load() - before
	}
	lookups()
	if n := lookups(); n != 0 {
		t.Fatalf("%d requests for a cached entry", n)
	}
	if err := s.EntryNotify(1, "d7"); err != nil {
		t.Fatal(err)
	}
	if n := lookups(); n == 0 {
		t.Error("no request after EntryNotify")
	}
	if err := s.EntryNotify(1, "unknown"); err != nil {
		t.Errorf("of an unknown entry: %v", err)
	}
	if err := s.EntryNotify(1, strings.Repeat("x", 256)); err != syscall.ENAMETOOLONG {
		t.Errorf("of a long name: %v", err)
	}
}

// TestPoll waits in poll(2) until the server wakes it.
func TestPoll(t *testing.T) {
	m := mountToy(t, 8)
	var (
		mu    sync.Mutex
		ready uint32
		wakes = make(chan func(), 10)
	)
	o := Options{Poll: func(node, _ uint64, events uint32, wake func()) (uint32, fuse.Status) {
		mu.Lock()
		defer mu.Unlock()
		if node != versionNode {
			return events, fuse.EBADF
		}
		if wake != nil {
			wakes <- wake
		}
		return ready & events, fuse.OK
	}}
	m.serve(t, newToy(), o)
	fd, err := unix.Open(filepath.Join(m.dir, "version"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	poll := func(timeout int) int16 {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, timeout); err != nil && err != unix.EINTR {
			t.Error(err)
		}
		return fds[0].Revents
	}
	if got := poll(0); got != 0 {
		t.Fatalf("ready too early: %#x", got)
	}
	done := make(chan int16)
	go func() { done <- poll(10_000) }()
	wake := <-wakes
	mu.Lock()
	ready = unix.POLLIN
	mu.Unlock()
	wake()
	wake() // a second call does nothing
	if got := <-done; got != unix.POLLIN {
		t.Errorf("poll(2) ended with %#x", got)
	}
}

// TestReserve fills every slot that a blocking request may have, and then needs the others.
func TestReserve(t *testing.T) {
	m := mountToy(t, 16)
	f := newToy()
	m.serve(t, f, Options{})
	var blocked []*exec.Cmd
	for {
		before := f.waiting.Load()
		var words bytes.Buffer
		cmd := exec.Command("cat", filepath.Join(m.dir, "slow"))
		cmd.Stderr = &words
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		refused := false
		eventually(t, "cat reads", func() bool {
			select {
			case <-ended:
				refused = true
				return true
			default:
				return f.waiting.Load() > before
			}
		})
		if refused {
			if !strings.Contains(words.String(), "No buffer space") {
				t.Errorf("cat says %q", &words)
			}
			break
		}
		blocked = append(blocked, cmd)
		defer func() { <-ended }()
	}
	if n := len(blocked); n != 12 { // 16, 4 of them reserved
		t.Errorf("%d reads wait", n)
	}
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(m.dir, "d1", "f1"), &st); err != nil {
		t.Error(err)
	}
	for _, cmd := range blocked {
		cmd.Process.Signal(syscall.SIGINT)
	}
	eventually(t, "the reads end", func() bool { return f.waiting.Load() == 0 })
	if _, err := readFile(filepath.Join(m.dir, "d1", "f1")); err != nil {
		t.Error(err)
	}
}

func TestUnmountUnderLoad(t *testing.T) {
	for name, o := range kinds {
		t.Run(name, func(t *testing.T) {
			m := mountToy(t, 8)
			m.serve(t, newToy(), o)
			var readers sync.WaitGroup
			started := make(chan bool, 4)
			for range 4 {
				readers.Go(func() {
					for first := true; ; first = false {
						b, err := readFile(filepath.Join(m.dir, "d0", "f0"))
						if first {
							started <- true
						}
						if err != nil || len(b) == 0 {
							return
						}
					}
				})
			}
			for range 4 {
				<-started
			}
			if err := Unmount(m.dir, true); err != nil {
				t.Error(err)
			}
			readers.Wait()
		})
	}
}

// TestAbort frees the reader of a server that does not answer.
func TestAbort(t *testing.T) {
	m := mountToy(t, 8)
	read := make(chan error)
	go func() {
		_, err := readFile(filepath.Join(m.dir, "version")) // nobody has answered INIT, let alone this
		read <- err
	}()
	select {
	case err := <-read:
		t.Errorf("a read without a server ended: %v", err)
		return
	case <-time.After(20 * time.Millisecond):
	}
	if err := Abort(m.dir); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err == nil {
		t.Error("read without a server")
	}
	if err := Abort(t.TempDir()); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("of a plain directory: %v", err)
	}
}

// TestUnmountedBeforeInit has nothing to answer.
func TestUnmountedBeforeInit(t *testing.T) {
	for name, o := range kinds {
		t.Run(name, func(t *testing.T) {
			m := mountToy(t, 8)
			if err := Abort(m.dir); err != nil {
				t.Fatal(err)
			}
			s := m.serve(t, newToy(), o)
			if s.TookOver() {
				t.Error("took over")
			}
		})
	}
}
