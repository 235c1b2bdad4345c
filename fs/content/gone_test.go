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
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/storetest"
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

// telling are pins that tell when they are set.
type telling struct{ set chan struct{} }

func (p telling) IDs() []digest.Digest { return nil }

func (p telling) Set(_ context.Context, ids []digest.Digest) ([]digest.Digest, error) {
	select {
	case p.set <- struct{}{}:
	default: // nobody has looked since
	}
	return ids, nil
}

// released waits until nothing that is gone is kept.
func (s *shelf) released(t *testing.T, p telling) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		s.fs.renewing.Lock() // what is pinned is shown before it is free
		kept := len(s.fs.view().gone)
		s.fs.renewing.Unlock()
		if kept == 0 {
			return
		}
		select {
		case <-p.set:
		case <-deadline:
			t.Fatal("the image is still kept")
		}
	}
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
			s, pins := stock(t), telling{make(chan struct{}, 1)}
			s.fs = New(s.store, pins, s.log.printf)
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
			s.released(t, pins)
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
	s, pins := stock(t), telling{make(chan struct{}, 1)}
	s.fs = New(s.store, pins, s.log.printf)
	dir, server := mount(t, s.fs)
	letGo(t, s.fs, server)
	shell(t, `find $1 -type f -exec cat {} + >/dev/null; ls $1/nothing || true`, filepath.Join(dir, s.app.ID.Encoded()))
	s.remove(t, server, s.app)
	s.released(t, pins)
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

// TestSuccessorAnswersForWhatIsGone has a process remove an image that a mount shows, and another server take the mount
// over. The kernel then knows the image, and does not.
func TestSuccessorAnswersForWhatIsGone(t *testing.T) {
	s := stock(t)
	file, err := store.LockPins(s.store.Dir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	serve := func() *FS {
		st := storetest.Open(t, s.store.Dir())
		pins, err := st.OpenPins(file)
		if err != nil {
			t.Fatal(err)
		}
		return New(st, pins, s.log.printf)
	}
	first := serve()
	two := resolve(t, first, s.app.ID.Encoded()+"/rootfs/two").NodeId
	s.remove(t, &notes{}, s.app)
	collect := func() []digest.Digest {
		collected, err := s.store.Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return collected.Blobs
	}
	if got := collect(); len(got) != 0 {
		t.Errorf("collected %q of what is shown", got)
	}
	for _, f := range []*FS{first, serve()} {
		if _, err := f.store.Refresh(); err != nil {
			t.Fatal(err)
		}
		if data, status := read(t, f, two, 100); string(data) != "two" {
			t.Errorf("read %q, %v", data, status)
		}
		if _, status := lookup(t, f, rootID, s.app.ID.Encoded()); status != fuse.ENOENT {
			t.Errorf("lookup: %v", status)
		}
		f.letGo(t.Context(), knowing{})
		if data, status := read(t, f, two, 100); string(data) != "two" {
			t.Errorf("read %q, %v", data, status)
		}
	}
	last := serve()
	last.letGo(t.Context(), &notes{})
	if _, status := getattr(t, last, nodeID(s.app.Number, imageFolder)); status != fuse.Status(syscall.ESTALE) {
		t.Errorf("status %v", status)
	}
	if _, err := s.store.Blob(s.app.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the config is still there: %v", err)
	}
	content(t, last, s.small.ID.Encoded()+"/rootfs/etc/hostname")
	if len(s.log.lines) > 0 {
		t.Errorf("log: %q", s.log.lines)
	}
}

// knowing is a kernel that knows everything.
type knowing struct{}

func (knowing) EntryNotify(uint64, string) error       { return nil }
func (knowing) InodeNotify(uint64, int64, int64) error { return nil }
func (knowing) Knows(uint64) (bool, error)             { return true, nil }
func (knowing) Prune(uint64) error                     { return nil }
func (knowing) Settle()                                {}

// TestPinnedBeforeShown publishes an image, and another that is removed before it can be pinned.
func TestPinnedBeforeShown(t *testing.T) {
	s := stock(t)
	p := &pinning{}
	s.fs = New(s.store, p, s.log.printf)
	resolve(t, s.fs, s.app.ID.Encoded())
	diff(t, "pinned", len(p.ids), 3)
	fresh := storetest.NewImage(t, baseLayer(t)).Publish(t, s.store, "docker.io/library/fresh:latest")
	resolve(t, s.fs, fresh.ID.Encoded())
	diff(t, "pinned", len(p.ids), 4)

	p.before = func() {
		p.before = nil
		if _, err := s.store.Update(t.Context(), func(*store.Snapshot) ([]store.Change, error) {
			return []store.Change{{Remove: s.other.ID}, {Remove: fresh.ID}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		p.lost = []digest.Digest{fresh.ID}
	}
	newer := storetest.NewImage(t, baseLayer(t), topLayer(t)).Publish(t, s.store, "docker.io/library/newer:latest")
	resolve(t, s.fs, newer.ID.Encoded())
	v := s.fs.view()
	if v.images[fresh.Number] != nil || v.gone[s.other.Number] == nil || len(v.images) != 4 {
		t.Errorf("%d images, of which %d are gone", len(v.images), len(v.gone))
	}

	p.err = errors.New("the disk is full")
	last := storetest.NewImage(t, baseLayer(t), baseLayer(t)).Publish(t, s.store, "docker.io/library/last:latest")
	resolve(t, s.fs, last.ID.Encoded())
	if len(s.log.lines) != 1 {
		t.Errorf("log: %q", s.log.lines)
	}
}

// pinning is a store's pins.
type pinning struct {
	ids, lost []digest.Digest
	before    func()
	err       error
}

func (p *pinning) IDs() []digest.Digest { return p.ids }

func (p *pinning) Set(_ context.Context, ids []digest.Digest) ([]digest.Digest, error) {
	if p.before != nil {
		p.before()
	}
	if p.err != nil {
		return nil, p.err
	}
	p.ids = slices.DeleteFunc(slices.Clone(ids), func(id digest.Digest) bool { return slices.Contains(p.lost, id) })
	return p.ids, nil
}
