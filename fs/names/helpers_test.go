package names

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/archive"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// fakeEngine pulls nothing: what happens is in the name. What it changes is its store's snapshot.
type fakeEngine struct {
	release chan struct{} // "slow" waits for it
	store   *fakeStore

	mu          sync.Mutex
	pulls       []string
	changes     []string
	subscribers []func(imagefs.Event)
}

func newFakeEngine(s *store.Store) *fakeEngine {
	return &fakeEngine{release: make(chan struct{}), store: &fakeStore{Store: s}}
}

// fakeStore is a store, whose references are others once they were changed.
type fakeStore struct {
	*store.Store
	changed atomic.Pointer[store.Snapshot]
}

func (s *fakeStore) Refresh() (*store.Snapshot, error) {
	if snap := s.changed.Load(); snap != nil {
		return snap, nil
	}
	return s.Store.Refresh()
}

// change notes what is asked for and replaces the references.
func (e *fakeEngine) change(words string, edit func(*store.Snapshot) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes = append(e.changes, words)
	old, err := e.store.Refresh()
	if err != nil {
		return err
	}
	snap := *old
	snap.References, snap.Images = slices.Clone(old.References), slices.Clone(old.Images)
	if err := edit(&snap); err != nil {
		return err
	}
	slices.SortFunc(snap.References, func(a, b store.Reference) int { return strings.Compare(a.Name, b.Name) })
	e.store.changed.Store(&snap)
	return nil
}

func drop(snap *store.Snapshot, name string) {
	snap.References = slices.DeleteFunc(snap.References, func(r store.Reference) bool { return r.Name == name })
}

func (e *fakeEngine) Tag(_ context.Context, source, target string) error {
	return e.change("tag "+source+" "+target, func(snap *store.Snapshot) error {
		r := store.Reference{Name: target, Updated: time.Now()}
		if old := snap.Reference(source); old != nil {
			r.Target, r.Images = old.Target, old.Images
		} else {
			img, err := imagefs.Resolve(snap, source)
			if err != nil {
				return err
			}
			r.Target, r.Images = img.Manifest, []*store.Image{img}
		}
		drop(snap, target)
		snap.References = append(snap.References, r)
		return nil
	})
}

func (e *fakeEngine) Move(_ context.Context, from, to string) error {
	return e.change("move "+from+" "+to, func(snap *store.Snapshot) error {
		r := *snap.Reference(from)
		r.Name = to
		drop(snap, from)
		drop(snap, to)
		snap.References = append(snap.References, r)
		return nil
	})
}

func (e *fakeEngine) Untag(_ context.Context, name string) error {
	return e.change("untag "+name, func(snap *store.Snapshot) error { drop(snap, name); return nil })
}

func (e *fakeEngine) Remove(_ context.Context, req imagefs.RemoveRequest, r imagefs.Reporter) error {
	return e.change(fmt.Sprintf("remove %+v", req), func(snap *store.Snapshot) error {
		if req.Refs[0] == "used" {
			return &imagefs.Error{Kind: imagefs.InUse, Subject: "used", Err: errors.New("image is being used")}
		}
		r.Line("Deleted: " + req.Refs[0])
		snap.Images = slices.DeleteFunc(snap.Images, func(img *store.Image) bool { return img.ID.String() == req.Refs[0] })
		return nil
	})
}

func (e *fakeEngine) Prune(_ context.Context, req imagefs.PruneRequest, r imagefs.Reporter) (int64, error) {
	r.Line(fmt.Sprintf("%+v", req))
	return 1234567, nil
}

func (e *fakeEngine) PruneBuilds(context.Context, imagefs.PruneBuildsRequest) (int64, error) {
	return 0, nil
}

func (e *fakeEngine) Push(_ context.Context, req imagefs.PushRequest, r imagefs.Reporter) error {
	r.Line(fmt.Sprintf("%+v", req))
	return nil
}

// Archive is one of the first image that is asked for, for real.
func (e *fakeEngine) Archive(req imagefs.SaveRequest) (*archive.Archive, error) {
	snap, err := e.store.Refresh()
	if err != nil {
		return nil, err
	}
	img, err := imagefs.Resolve(snap, req.Refs[0])
	if err != nil {
		return nil, err
	}
	return archive.NewDocker(e.store.Store, []archive.Saved{{Image: img}})
}

func (e *fakeEngine) Save(ctx context.Context, req imagefs.SaveRequest, w io.Writer) error {
	a, err := e.Archive(req)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.Copy(ctx, w)
}

// Load takes text that begins with "good", and no more of it than the first line.
func (e *fakeEngine) Load(_ context.Context, from io.Reader, r imagefs.Reporter) ([]*store.Image, error) {
	line, err := bufio.NewReaderSize(from, 16).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "good") {
		return nil, &imagefs.Error{Kind: imagefs.Invalid, Err: errors.New("not an archive")}
	}
	r.Line("Loaded image: " + strings.TrimSpace(line))
	return nil, nil
}

func (e *fakeEngine) LoadFile(ctx context.Context, f *os.File, r imagefs.Reporter) ([]*store.Image, error) {
	if info, err := f.Stat(); err == nil && info.IsDir() {
		r.Line("Loaded a directory")
		return nil, nil
	}
	return e.Load(ctx, f, r)
}

func (e *fakeEngine) Build(context.Context, imagefs.BuildRequest, imagefs.Reporter) (*store.Image, error) {
	return nil, errors.ErrUnsupported
}

func (e *fakeEngine) Import(_ context.Context, req imagefs.ImportRequest, r imagefs.Reporter) (*store.Image, error) {
	text, err := io.ReadAll(req.Source)
	req.Source = nil
	r.Line(fmt.Sprintf("%+v %q", req, text))
	return nil, err
}

func (e *fakeEngine) Search(_ context.Context, req imagefs.SearchRequest) ([]registry.SearchResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.changes = append(e.changes, "search "+req.Term)
	return nil, &imagefs.Error{Kind: imagefs.Unreachable, Err: errors.New("no network")}
}

func (e *fakeEngine) changed() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.changes)
}

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

func (e *fakeEngine) Subscribe(_ context.Context, f func(imagefs.Event)) func() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subscribers = append(e.subscribers, f)
	return func() {}
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
		t: t, dir: t.TempDir(), store: testStore(t),
	}
	m.engine = newFakeEngine(m.store)
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	m.FS, err = newFS(ctx, m.engine, m.engine.store, Config{
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
	if _, device := os.Stat("/dev/fuse"); err != nil && (os.Geteuid() != 0 || device != nil) {
		t.Skip("cannot mount: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	server, err := conn.NewServer(dev, slots, m.FS, conn.Options{Fuse: MountOptions(), Poll: m.poll})
	if err != nil {
		t.Fatal(err)
	}
	m.Connect(server)
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
