package container

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLife(t *testing.T) {
	img := newImage(t, "echo one > a")
	c := img.create("web")
	if _, err := Create(img.root, Container{ID: NewID(), Name: "web"}, nil); !errors.Is(err, ErrExists) {
		t.Errorf("the same name again: %v", err)
	}
	img.create("app")
	all, err := List(img.root)
	if err != nil || len(all) != 2 || all[0].Name != "app" || all[1].ID != c.ID || all[1].Image != img.id {
		t.Errorf("%v, %v", all, err)
	}
	if err := c.Remove(t.Context(), false); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"web", "", "..", ".new", "a/b"} {
		if _, err := Open(img.root, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := c.Lock(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("lock of what is gone: %v", err)
	}
}

// TestKilled leaves what a dead process leaves.
func TestKilled(t *testing.T) {
	img := newImage(t, "echo one > a")
	for _, name := range []string{".new-1", ".gone-2"} {
		if err := os.MkdirAll(filepath.Join(Dir(img.root), name, "upper/x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := List(img.root); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	img.create("web")
	if err := MountAll(t.Context(), img.root, t.TempDir(), func(*Container, error) {}); err != nil {
		t.Error(err)
	}
	left, err := os.ReadDir(Dir(img.root))
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestLock(t *testing.T) {
	img := newImage(t, "echo one > a")
	c := img.create("web")
	lock, err := c.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("locked twice: %v", err)
	}
	lock.Close()
	if lock, err = c.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	lock.Close()
}

func TestStatus(t *testing.T) {
	img := newImage(t, "echo one > a")
	c := img.create("web")
	want := func(want Status) {
		t.Helper()
		if got, err := c.Status(); got != want || err != nil {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	want(Created)
	process, err := os.Create(filepath.Join(c.dir, "process"))
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(process.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	want(Running)
	process.Close() // or its process is killed
	want(Exited)
}

func TestNames(t *testing.T) {
	taken := map[string]bool{}
	for range 3000 { // more than there are without a number
		name := FreeName(func(name string) bool { return taken[name] })
		if taken[name] || !ValidName(name) || !strings.Contains(name, "_") {
			t.Fatalf("%q", name)
		}
		taken[name] = true
	}
	for _, name := range []string{"", "a", "-a", "a b", "a/b", "é1"} {
		if ValidName(name) {
			t.Errorf("%q passes", name)
		}
	}
	if id := NewID(); len(id) != 64 || id == NewID() {
		t.Errorf("ID %q", id)
	}
}

func TestMount(t *testing.T) {
	img := newImage(t, "echo one > a")
	c := img.mounted("web")
	sh(t, c.Rootfs(), "echo two > a; echo b > b")
	if err := c.Mount(t.Context(), img.content); err != nil {
		t.Errorf("mounted again: %v", err)
	}
	busy, err := os.Open(filepath.Join(c.Rootfs(), "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := UnmountAll(t.Context(), img.content, false); !errors.Is(err, unix.EBUSY) {
		t.Errorf("unmounted while in use: %v", err)
	}
	if err := c.Remove(t.Context(), false); !errors.Is(err, unix.EBUSY) {
		t.Errorf("removed while in use: %v", err)
	}
	busy.Close()
	if err := UnmountAll(t.Context(), img.content+"x", true); err != nil {
		t.Error(err)
	}
	if ok, err := c.Mounted(); !ok || err != nil {
		t.Errorf("unmounted with those of another mount: %v", err)
	}
	if err := UnmountAll(t.Context(), img.content, false); err != nil {
		t.Error(err)
	}
	if ok, err := c.Mounted(); ok || err != nil {
		t.Errorf("still mounted: %v", err)
	}
	err = MountAll(t.Context(), img.root, img.content, func(c *Container, err error) { t.Errorf("%s: %v", c.Name, err) })
	if err != nil {
		t.Error(err)
	}
	if got := sh(t, c.Rootfs(), "cat a b"); got != "two\nb\n" {
		t.Errorf("after a restart: %q", got)
	}
}

// TestUnmountRunning: what runs in another mount namespace keeps the container mounted.
func TestUnmountRunning(t *testing.T) {
	img := newImage(t, "echo one > a")
	c := img.mounted("web")
	process, err := os.Create(filepath.Join(c.dir, "process"))
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(process.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := UnmountAll(t.Context(), img.content, false); !errors.Is(err, unix.EBUSY) {
		t.Errorf("unmounted while a process runs: %v", err)
	}
	process.Close()
	if err := UnmountAll(t.Context(), img.content, false); err != nil {
		t.Error(err)
	}
}

func TestMountFails(t *testing.T) {
	if !MayMount() {
		t.Skip("this user may not mount")
	}
	img := newImage(t, "echo one > a")
	c := img.create("web")
	if err := c.Mount(t.Context(), t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its image: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Mount(ctx, img.content); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
