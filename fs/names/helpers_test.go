package names

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/fs/conn"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// fakeEngine pulls nothing: what happens is in the name.
type fakeEngine struct {
	release chan struct{} // "slow" waits for it

	mu          sync.Mutex
	pulls       []string
	subscribers []func(imagefs.Event)
}

func newFakeEngine() *fakeEngine { return &fakeEngine{release: make(chan struct{})} }

func (e *fakeEngine) Pull(ctx context.Context, req imagefs.PullRequest, r imagefs.Reporter) ([]*store.Image, error) {
	e.mu.Lock()
	e.pulls = append(e.pulls, fmt.Sprintf("%+v", req))
	e.mu.Unlock()
	r.Line("Pulling " + req.Ref)
	r.Layer(imagefs.LayerProgress{ID: "0123456789ab", Status: "Downloading", Done: 10, Total: 100})
	switch {
	case strings.HasPrefix(req.Ref, "nope"):
		return nil, &imagefs.Error{
			Kind: imagefs.NotFound, Subject: req.Ref, Err: errors.New("no such image: " + req.Ref), Hint: "try another",
		}
	case req.Ref == "slow":
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-e.release:
		}
	}
	r.Line("Status: Downloaded " + req.Ref)
	return nil, nil
}

func (e *fakeEngine) Subscribe(_ context.Context, f func(imagefs.Event)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subscribers = append(e.subscribers, f)
}

func (e *fakeEngine) pulled() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.pulls...)
}

func (e *fakeEngine) event(action string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.subscribers {
		f(imagefs.Event{Type: "image", Action: action})
	}
}

var mounted = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// testImage is an image of one layer that is its name.
func testImage(t *testing.T, name string) storetest.Image {
	t.Helper()
	layer := storetest.Tar(layertest.Tar(t, layertest.File("name", name)))
	created := time.Date(2025, 6, 7, 8, 9, 10, 0, time.UTC)
	config := ocispec.Image{
		Created: &created, Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{layer.DiffID}},
	}
	if name == "arm" {
		config.Platform = ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
	}
	return storetest.NewImageWithConfig(t, config, layer)
}

func idOf(t *testing.T, image string) string { return testImage(t, image).ID.Encoded() }
func digestOf(t *testing.T, image string) string {
	return testImage(t, image).Descriptor.Digest.String()
}
func indexOf(t *testing.T) storetest.Index {
	return storetest.NewIndex(t, testImage(t, "alpine").Descriptor, testImage(t, "arm").Descriptor)
}

// testStore has a few names of a few images.
func testStore(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.New(t)
	indexOf(t).Publish(t, s, "docker.io/library/alpine:3.19", testImage(t, "alpine"), testImage(t, "arm"))
	for name, image := range map[string]string{
		"docker.io/library/alpine:latest":      "alpine",
		"docker.io/library/alpine:stable":      "alpine",
		"docker.io/library/golang:1.12":        "golang",
		"docker.io/myuser/app:1":               "alpine",
		"localhost:5000/a/b:c":                 "alpine",
		"localhost:5000/a/b/c:x":               "arm",
		"quay.io/only@" + digestOf(t, "bydig"): "bydig",
		"images.json/odd:1":                    "alpine",
		"":                                     "dangling",
	} {
		testImage(t, image).Publish(t, s, name)
	}
	return s
}

// testSnapshot is that of testStore, and a tag whose image is not whole.
func testSnapshot(t *testing.T) *store.Snapshot {
	t.Helper()
	snap := *testStore(t).Snapshot()
	snap.References = append(slices.Clone(snap.References), store.Reference{
		Name: "zot.example/broken:1", Target: testImage(t, "broken").Descriptor,
	})
	return &snap
}

// testMount is a names tree that the kernel shows.
type testMount struct {
	*FS
	t      *testing.T
	dir    string
	engine *fakeEngine
	store  *store.Store
	polls  atomic.Int64
}

func (m *testMount) poll(node, fh uint64, events uint32, wake func()) (uint32, fuse.Status) {
	m.polls.Add(1)
	return m.Poll(node, fh, events, wake)
}

func mount(t *testing.T) *testMount {
	t.Helper()
	m := &testMount{
		t: t, dir: t.TempDir(), engine: newFakeEngine(), store: testStore(t),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	m.FS, err = newFS(ctx, m.engine, m.store, Config{
		Mountpoint: m.dir, Content: "/run/imagefs/test", State: t.TempDir(), Connection: "1", Log: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	slots, err := conn.NewSlots(64, MountOptions().MaxWrite+4096)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := conn.Mount(m.dir, conn.MountOptions{
		FSName: "imagefs", Subtype: "imagefs", AllowOther: true, MaxRead: MountOptions().MaxWrite,
	})
	if err != nil {
		t.Skip("cannot mount: ", err)
	}
	server, err := conn.NewServer(dev, slots, m.FS, conn.Options{Fuse: MountOptions(), Poll: m.poll})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }()
	t.Cleanup(func() {
		if t.Failed() { // what hangs must not hang the rest
			if err := conn.Abort(m.dir); err != nil {
				t.Error(err)
			}
		}
		if err := conn.Unmount(m.dir, true); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		cancel()
		m.Wait()
		dev.Close()
		slots.Close()
	})
	return m
}

// start starts a script in the mount point, in a process group of its own.
func (m *testMount) start(script string) (*exec.Cmd, *bytes.Buffer) {
	m.t.Helper()
	out := new(bytes.Buffer)
	cmd := exec.Command("bash", "-c", "cd "+m.dir+"; "+script)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	return cmd, out
}

// wait waits for a script, and returns what it has printed, with the errors.
func (m *testMount) wait(cmd *exec.Cmd, out *bytes.Buffer) string {
	m.t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			fmt.Fprintln(out, err)
		}
	case <-time.After(15 * time.Second):
		if err := errors.Join(conn.Abort(m.dir), syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)); err != nil {
			m.t.Error(err)
		}
		<-ended
		m.t.Fatalf("%s: hangs; so far: %s", cmd.Args[2], out)
	}
	return out.String()
}

// sh runs a script in the mount point, and returns what it prints, with the errors.
func (m *testMount) sh(script string) string {
	m.t.Helper()
	return m.wait(m.start(script))
}

// want runs a script that must print just that.
func (m *testMount) want(script, output string) {
	m.t.Helper()
	if got := m.sh(script); got != output {
		m.t.Errorf("%s\ngot:\n%s\nwant:\n%s", script, got, output)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never: " + what)
		}
	}
}
