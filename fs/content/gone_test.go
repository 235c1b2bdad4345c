package content

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/store"
)

// oldKernel is one that cannot prune.
type oldKernel struct{ Notifier }

func (oldKernel) Prune(uint64) error { return syscall.EINVAL }

// letGo runs LetGo until the test ends.
func letGo(t *testing.T, f *FS, n Notifier) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f.LetGo(ctx, n) }()
	t.Cleanup(func() { cancel(); <-done })
}

// remove removes an image, and has the kernel told.
func (s *shelf) remove(t *testing.T, n Notifier, im *store.Image) {
	t.Helper()
	before := s.store.Snapshot()
	after, err := s.store.Update(t.Context(), func(*store.Snapshot) ([]store.Change, error) {
		return []store.Change{{Remove: im.ID}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.fs.Changed(n, before, after)
}

// released waits until nothing that is gone is kept.
func (s *shelf) released(t *testing.T) {
	t.Helper()
	for range 1000 {
		if len(s.fs.view().gone) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the image is still kept")
}

// standing is a shell in a directory; it answers each line.
type standing struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func standIn(t *testing.T, dir string) *standing {
	t.Helper()
	s := &standing{t: t, cmd: exec.Command("bash")}
	s.cmd.Dir = dir
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *standing) says(script, want string) {
	s.t.Helper()
	fmt.Fprintf(s.in, "echo $(%s)\n", script)
	got, err := s.out.ReadString('\n')
	if err != nil || strings.TrimSpace(got) != want {
		s.t.Errorf("%s: %q, %v, not %q", script, got, err, want)
	}
}

func (s *standing) leave() {
	s.in.Close()
	s.cmd.Wait()
}

func TestRemovedImageServesWhoHasIt(t *testing.T) {
	for name, kernel := range map[string]func(Notifier) Notifier{
		"this kernel": func(n Notifier) Notifier { return n },
		"an old one":  func(n Notifier) Notifier { return oldKernel{n} },
	} {
		t.Run(name, func(t *testing.T) {
			s := stock(t)
			dir, server := mount(t, s.fs)
			n := kernel(server)
			letGo(t, s.fs, n)
			app := filepath.Join(dir, s.app.ID.Encoded())
			shell(t, `find $1 -type f -exec cat {} + >/dev/null`, dir)
			file, err := os.Open(app + "/rootfs/bin/third")
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			shells := []*standing{standIn(t, app+"/rootfs/etc"), standIn(t, app), standIn(t, app+"/layers")}

			s.remove(t, n, s.app)
			if _, err := os.Stat(app); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the image is still there: %v", err)
			}
			if got := names(t, dir); len(got) != 2 {
				t.Errorf("the root lists %q", got)
			}
			for range 2 { // before and after the unused is forgotten
				shells[0].says("ls; cat hostname; ls .git 2>&1 | sed 's/.*: //'; cat ../bin/third", "hostname shadow box No such file or directory kept")
				shells[1].says("cat digest", s.app.Manifest.Digest.String())
				shells[2].says("cat 01-*/diff/two; ls ../rootfs/data", "twonew")
				s.fs.letGo(t.Context(), n)
			}
			if name == "this kernel" {
				shells[0].says("/bin/pwd", app+"/rootfs/etc")
			}
			for _, sh := range shells {
				sh.leave()
			}
			if data, err := io.ReadAll(file); string(data) != "kept" {
				t.Errorf("read %q, %v", data, err)
			}
			file.Close()
			s.released(t)
			if _, status := getattr(t, s.fs, nodeID(s.app.Number, imageFolder)); status != fuse.Status(syscall.ESTALE) {
				t.Errorf("status %v", status)
			}
			shell(t, `find $1 -type f -exec cat {} + >/dev/null`, dir)
			if len(s.log.lines) > 0 {
				t.Errorf("log: %q", s.log.lines)
			}
		})
	}
}

// TestRemovedImageThatNobodyHas is released at once.
func TestRemovedImageThatNobodyHas(t *testing.T) {
	s := stock(t)
	dir, server := mount(t, s.fs)
	letGo(t, s.fs, server)
	shell(t, `find $1 -type f -exec cat {} + >/dev/null; ls $1/nothing || true`, filepath.Join(dir, s.app.ID.Encoded()))
	s.remove(t, server, s.app)
	s.released(t)
}

// TestRemovedImageComesBack removes an image while somebody stands in it, and publishes it again.
func TestRemovedImageComesBack(t *testing.T) {
	s := stock(t)
	dir, server := mount(t, s.fs)
	letGo(t, s.fs, server)
	app := filepath.Join(dir, s.app.ID.Encoded())
	sh := standIn(t, app+"/rootfs/bin")
	sh.says("cat kept", "kept")
	s.remove(t, server, s.app)
	sh.says("cat third", "kept")
	before := s.store.Snapshot()
	tag := store.Publication{Name: "docker.io/library/again:1", Target: s.app.Manifest}
	tag.Manifests = append(tag.Manifests, s.app.Manifest)
	if _, err := s.store.Publish(t.Context(), tag); err != nil {
		t.Fatal(err)
	}
	s.fs.Changed(server, before, s.store.Snapshot())
	if n := len(s.fs.view().gone); n != 0 {
		t.Errorf("%d images are gone", n)
	}
	sh.says("cat third ../two", "kepttwo")
	if data, err := os.ReadFile(app + "/rootfs/two"); string(data) != "two" {
		t.Errorf("read %q, %v", data, err)
	}
	sh.leave()
	shell(t, `find $1 -type f -exec cat {} + >/dev/null`, dir)
}
