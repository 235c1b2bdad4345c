package imagefs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store/layer/layertest"
	"github.com/imagefs/imagefs/store/storetest"
)

// Containers are not mounted in these tests: what a process would do in one is done in its upper directory.

// create makes a container of an image.
func (b *bench) create(req imagefs.CreateRequest) *container.Container {
	b.t.Helper()
	if !container.MayMount() {
		b.t.Skip("this user may not mount")
	}
	c, err := b.Create(b.t.Context(), req, &record{})
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func upper(c *container.Container, parts ...string) string {
	return filepath.Join(append([]string{filepath.Dir(c.Rootfs()), "upper"}, parts...)...)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// configured is an image with a config that says something.
func configured(t *testing.T, b *bench) {
	t.Helper()
	layers := []storetest.Layer{storetest.Gzip(t, layertest.Tar(t, layertest.File("etc/conf", "conf"), layertest.File("etc/gone", "gone")))}
	raw := mustJSON(t, map[string]any{
		"architecture": "arm64", "os": "linux", "variant": "v8", "os.version": "1", "author": "base's", "rootfs": rootFS(layers),
		"config": map[string]any{
			"Cmd": []string{"sh"}, "Env": []string{"A=1", "B=2"}, "User": "web", "WorkingDir": "/srv", "Labels": map[string]string{"k": "v"},
			"OnBuild": []string{"RUN x"}, "Shell": []string{"/bin/bash"}, "ExposedPorts": map[string]any{"80/tcp": map[string]any{}},
		},
		"history": []any{map[string]any{"created_by": "first", "created": "2020-01-01T00:00:00Z"}},
	})
	img := storetest.Image{Config: raw, Layers: layers}
	b.reg.PutImage("base", "1", img.Config, blobs(img)...)
	b.pull(imagefs.PullRequest{Ref: b.ref("base:1")})
	if err := b.Tag(t.Context(), b.ref("base:1"), "base:1"); err != nil {
		t.Fatal(err)
	}
}

func TestCommit(t *testing.T) {
	b := newBench(t)
	configured(t, b)
	c := b.create(imagefs.CreateRequest{Image: "base:1", Name: "web", Config: imagefs.ContainerConfig{
		Env: []string{"B=3", "C=4"}, Cmd: []string{"echo", "hi"}, Labels: map[string]string{"own": "x"},
	}})
	writeFile(t, upper(c, "etc", "conf"), "changed")
	if err := unix.Mknod(upper(c, "etc", "gone"), unix.S_IFCHR, 0); err != nil {
		t.Fatal(err)
	}
	changes, err := b.Changes(t.Context(), c.ID[:10])
	if got := fmt.Sprint(changes); got != "[C /etc C /etc/conf D /etc/gone]" || err != nil {
		t.Errorf("changes: %s, %v", got, err)
	}
	var r record
	img, err := b.Commit(t.Context(), imagefs.CommitRequest{
		Container: "web", Ref: "web:v1", Author: "me", Message: "a message", Changes: []string{"ENV A=$B", `ENTRYPOINT ["/x"]`},
	}, &r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{img.ID.String()}, r.lines); diff != "" {
		t.Error(diff)
	}
	got := inspected(t, b, "web:v1")
	own := imagefs.ContainerConfig{
		Hostname: c.ID[:12], User: "web", AttachStdout: true, AttachStderr: true, WorkingDir: "/srv", Image: "base:1",
		Env: []string{"B=3", "C=4", "A=1"}, Cmd: []string{"echo", "hi"}, Labels: map[string]string{"k": "v", "own": "x"},
		ExposedPorts: map[string]struct{}{"80/tcp": {}},
	}
	if diff := cmp.Diff(own, *got.ContainerConfig); diff != "" {
		t.Error(diff)
	}
	own.Env, own.Cmd, own.Entrypoint = []string{"B=3", "C=4", "A=3"}, nil, []string{"/x"}
	if diff := cmp.Diff(own, *got.Config); diff != "" {
		t.Error(diff)
	}
	if got.Parent != c.Image.String() || got.Container != c.ID || got.Author != "me" || got.Comment != "a message" {
		t.Errorf("got %+v", got)
	}
	if got.Architecture+got.Variant+got.Os+got.OsVersion != "arm64v8linux1" || len(got.RootFS.Layers) != 2 {
		t.Errorf("got %+v", got)
	}
	rows, err := imagefs.History(b.Store(), img)
	if err != nil || len(rows) != 2 || rows[0].CreatedBy != "echo hi" || rows[1].CreatedBy != "first" || rows[0].Size != 7 {
		t.Errorf("history: %+v, %v", rows, err)
	}
	if events := b.past("type=container"); len(events) != 2 || events[1].Actor.Attributes["imageID"] != img.ID.String() {
		t.Errorf("events: %+v", events)
	}
}

func inspected(t *testing.T, b *bench, word string) imagefs.ImageInspect {
	t.Helper()
	snap := b.Store().Snapshot()
	img, err := imagefs.Resolve(snap, word)
	if err != nil {
		t.Fatal(err)
	}
	text, err := imagefs.Inspect(b.Store(), snap, img)
	if err != nil {
		t.Fatal(err)
	}
	var all []imagefs.ImageInspect
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// TestCommitOfNothing makes an image without a new layer.
func TestCommitOfNothing(t *testing.T) {
	b := newBench(t)
	configured(t, b)
	c := b.create(imagefs.CreateRequest{Image: "base:1"})
	img, err := b.Commit(t.Context(), imagefs.CommitRequest{Container: c.Name}, &record{})
	if err != nil {
		t.Fatal(err)
	}
	if len(img.Layers) != 1 || len(img.Chains) != 1 {
		t.Errorf("%d layers", len(img.Layers))
	}
	rows, err := imagefs.History(b.Store(), img)
	if err != nil || len(rows) != 2 || rows[0].Layer != -1 || rows[1].Layer != 0 {
		t.Errorf("history: %+v, %v", rows, err)
	}
}

// TestInUse removes images that containers stand on, and collects.
func TestInUse(t *testing.T) {
	b := newBench(t)
	configured(t, b)
	c := b.create(imagefs.CreateRequest{Image: "base:1", Name: "web"})
	id := c.Image.Encoded()[:12]
	if _, err := b.remove(false, b.ref("base:1")); err != nil {
		t.Errorf("one of two names: %v", err)
	}
	process, err := os.Create(filepath.Join(filepath.Dir(c.Rootfs()), "process"))
	if err != nil {
		t.Fatal(err)
	}
	rmi := func(force bool, words ...string) error {
		_, err := b.remove(force, words...)
		return err
	}
	stopped := []failure{
		{"last name", imagefs.InUse, `conflict: unable to remove repository reference "base:1" (must force) - container`, rmi(false, "base:1")},
		{"stopped container", imagefs.InUse, `(must be forced) - image is being used by stopped container`, rmi(false, id)},
	}
	if err := unix.Flock(int(process.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	checkFailures(t, "rmi of what is in use", append(stopped,
		failure{"running container", imagefs.InUse, `(cannot be forced) - image is being used by running container`, rmi(true, id)},
	))
	process.Close()
	if _, err := b.Prune(t.Context(), imagefs.PruneRequest{All: true}, &record{}); err != nil || len(b.names()) != 1 {
		t.Errorf("prune: %v, left %v", err, b.names())
	}
	if err := rmi(true, "base:1"); err != nil || len(b.Store().Snapshot().Images) != 0 {
		t.Errorf("by force: %v", err)
	}
	writeFile(t, upper(c, "new"), "new")
	img, err := b.Commit(t.Context(), imagefs.CommitRequest{Container: "web", Ref: "saved"}, &record{})
	if err != nil || len(img.Layers) != 2 {
		t.Errorf("commit of what stands on a removed image: %v", err)
	}
	if err := rmi(false, "saved"); err != nil {
		t.Error(err)
	}
	if err := b.RemoveContainer(t.Context(), "web", false); err != nil {
		t.Error(err)
	}
	for _, l := range img.Layers {
		if b.Store().HasBlob(l.Digest) {
			t.Errorf("%s is left", l.Digest)
		}
	}
}

func TestContainersFail(t *testing.T) {
	b := newBench(t)
	configured(t, b)
	b.create(imagefs.CreateRequest{Image: "base:1", Name: "web"})
	runs := b.create(imagefs.CreateRequest{Image: "base:1", Name: "runs"})
	odd := b.create(imagefs.CreateRequest{Image: "base:1", Name: "odd"})
	writeFile(t, upper(odd, ".wh.x"), "x")
	process, err := os.Create(filepath.Join(filepath.Dir(runs.Rootfs()), "process"))
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	if err := unix.Flock(int(process.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	create := func(image, name string) error {
		_, err := b.Create(t.Context(), imagefs.CreateRequest{Image: image, Name: name}, &record{})
		return err
	}
	commit := func(word, ref string, changes ...string) error {
		_, err := b.Commit(t.Context(), imagefs.CommitRequest{Container: word, Ref: ref, Changes: changes}, &record{})
		return err
	}
	ps := func(filter string) error {
		_, err := b.ContainerRows([]string{filter})
		return err
	}
	_, diff := b.Changes(t.Context(), "nope")
	checkFailures(t, "create", []failure{
		{"no such image", imagefs.NotFound, "No such image: nope", create("nope", "")},
		{"bad reference", imagefs.Invalid, "must be lowercase", create("UP", "")},
		{"bad name", imagefs.Invalid, "Invalid container name (a/b)", create("base:1", "a/b")},
		{"name in use", imagefs.InUse, `Conflict. The container name "/web" is already in use by container`, create("base:1", "web")},
	})
	checkFailures(t, "commit", []failure{
		{"no such container", imagefs.NotFound, "No such container: nope", commit("nope", "")},
		{"bad name", imagefs.Invalid, "must be lowercase", commit("web", "UP")},
		{"not a change", imagefs.Invalid, "run is not a valid change command", commit("web", "", "RUN true")},
		{"a whiteout's name", imagefs.Unsupported, "/.wh.x cannot be in a layer", commit("odd", "")},
	})
	checkFailures(t, "rm, diff, ps", []failure{
		{"rm: no such container", imagefs.NotFound, "No such container: nope", b.RemoveContainer(t.Context(), "nope", false)},
		{"rm: no word", imagefs.NotFound, "No such container: ", b.RemoveContainer(t.Context(), "", false)},
		{"rm: running", imagefs.InUse, "You cannot remove a running container", b.RemoveContainer(t.Context(), "runs", false)},
		{"diff: no such container", imagefs.NotFound, "No such container: nope", diff},
		{"ps: no value", imagefs.Invalid, "it is not key=value", ps("x")},
		{"ps: unknown filter", imagefs.Invalid, "invalid filter 'x'", ps("x=y")},
		{"ps: bad status", imagefs.Invalid, "invalid filter 'status=lost'", ps("status=lost")},
		{"ps: no such container", imagefs.NotFound, "no such container nope", ps("since=nope")},
	})
	if len(b.Store().Snapshot().Images) != 1 {
		t.Error("an image was left")
	}
}

func TestContainerRows(t *testing.T) {
	b := newBench(t)
	configured(t, b)
	one := b.create(imagefs.CreateRequest{Image: "base:1", Name: "one"})
	two := b.create(imagefs.CreateRequest{Image: one.Image.Encoded()[:12], Name: "two", Config: imagefs.ContainerConfig{Labels: map[string]string{"own": "x"}}})
	if _, err := b.Commit(t.Context(), imagefs.CommitRequest{Container: "one", Ref: "child", Changes: []string{"ENV X=y"}}, &record{}); err != nil {
		t.Fatal(err)
	}
	three := b.create(imagefs.CreateRequest{Image: "child", Name: "three"})
	if err := b.Tag(t.Context(), "base:1", "child"); err != nil { // whose name means another image now
		t.Fatal(err)
	}
	for filters, want := range map[string]string{
		"": "three two one", "name=t": "three two", "name=^one$": "one", "id=" + two.ID[:5]: "two", "label=own": "two",
		"label=own=y": "", "label=k=v": "three two one", "status=created": "three two one", "status=running": "",
		"ancestor=" + b.ref("base:1"): "three two one", "before=two": "one", "since=one": "three two", "ancestor=nope": "",
		"name=one name=two": "two one", "name=t label=own": "two",
	} {
		rows, err := b.ContainerRows(strings.Fields(filters))
		if err != nil {
			t.Errorf("%s: %v", filters, err)
		}
		var names []string
		for _, row := range rows {
			names = append(names, row.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %s, want %s", filters, got, want)
		}
	}
	rows, err := b.ContainerRows(nil)
	if err != nil || rows[0].ImageName != three.Image.String() || rows[2].ImageName != "base:1" {
		t.Errorf("%+v, %v", rows, err)
	}
	if c, err := b.Container("/" + two.Name); err != nil || c.ID != two.ID {
		t.Errorf("%v, %v", c, err)
	}
}
