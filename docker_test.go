package imagefs_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/registry/registrytest"
	"github.com/imagefs/imagefs/scripts/peers"
	"github.com/imagefs/imagefs/store/storetest"
)

// TestDockerSaysTheSame compares with a real dockerd every field of inspect, history and images that both have, for
// images that docker and buildah built and for odd ones made by hand.
func TestDockerSaysTheSame(t *testing.T) {
	t.Setenv("TZ", "UTC") // for docker, which tells local times
	docker, b := startDocker(t)
	names := []string{
		dockerBuild(t, docker, b, "full:1.0", fullDockerfile),
		dockerBuild(t, docker, b, "plain", "FROM scratch\nADD file /\n"),
		buildahBuild(t, b, "oci:1"),
		oddImage(t, b.reg),
		fewHistory(t, b.reg),
		indexOf(t, b, "full:1.0"),
	}
	for _, name := range names {
		docker("pull", "-q", b.ref(name))
		b.pull(imagefs.PullRequest{Ref: b.ref(name)})
	}
	for _, name := range names {
		t.Run("inspect "+name, func(t *testing.T) { sameInspect(t, b, docker("image", "inspect", b.ref(name)), name) })
		t.Run("history "+name, func(t *testing.T) {
			sameHistory(t, b, docker("history", "--no-trunc", "--format", "{{json .}}", b.ref(name)), name)
		})
	}
	t.Run("images", func(t *testing.T) {
		sameImages(t, docker("images", "--no-trunc", "--format", "{{json .}}"), imagefs.Images(b.Store().Snapshot()), "Digest")
	})
	t.Run("digests", func(t *testing.T) {
		// Of one repository: docker shows each of its tags with each of its digests.
		only := func(r imagefs.ImageRow) bool { return r.Repository != b.ref("plain") }
		sameImages(t, docker("images", "--no-trunc", "--digests", "--format", "{{json .}}", b.ref("plain")),
			slices.DeleteFunc(imagefs.Images(b.Store().Snapshot()), only))
	})
	t.Run("events", func(t *testing.T) {
		sameEvents(t, b, docker("events", "--since", "1h", "--until", "0s", "--filter", "event=pull", "--format", "{{json .}}"), names)
	})
}

// dockerCommand runs docker and returns its stdout.
type dockerCommand func(args ...string) string

func startDocker(t *testing.T) (dockerCommand, *bench) {
	if missing := peers.Missing("dockerd", "docker", "runc", "buildah", "busybox"); len(missing) > 0 || os.Geteuid() != 0 {
		t.Skipf("needs root and the programs docker.io, buildah and busybox-static bring; missing: %v", missing)
	}
	b := newBench(t)
	dir, err := os.MkdirTemp("", "docker") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d, err := peers.StartDocker(dir, b.reg.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return func(args ...string) string {
		t.Helper()
		out, err := d.Run(t.Context(), args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}, b
}

const fullDockerfile = `FROM scratch
MAINTAINER A <a@b.c>
LABEL org.x.y="é & <z>" empty=""
COPY busybox /bin/busybox
RUN ["/bin/busybox", "mkdir", "/x"]
ENV PATH=/bin FOO="a b"
SHELL ["/bin/busybox","sh","-ec"]
RUN echo	tab > /x/tab
EXPOSE 80 443/tcp 53/udp
VOLUME ["/data","/var/x"]
WORKDIR /w
USER 1000:1000
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=5m --timeout=3s --start-period=1s --retries=4 CMD wget -q localhost || exit 1
ONBUILD RUN echo x
ENTRYPOINT ["/bin/sh","-c"]
CMD ["echo","<&>"]
`

// buildContext is a directory with a Dockerfile, a file, and busybox.
func buildContext(t *testing.T, dockerfile string) string {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"Dockerfile": []byte(dockerfile), "file": []byte("x"), "busybox": program} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dockerBuild pushes what docker builds, and leaves docker without it.
func dockerBuild(t *testing.T, docker dockerCommand, b *bench, name, dockerfile string) string {
	docker("build", "--network", "host", "-q", "-t", b.ref(name), buildContext(t, dockerfile))
	docker("push", "-q", b.ref(name))
	docker("rmi", b.ref(name))
	return name
}

func buildahBuild(t *testing.T, b *bench, name string) string {
	dir := t.TempDir()
	buildah := func(args ...string) {
		t.Helper()
		args = append([]string{"--root", dir + "/root", "--runroot", dir + "/run", "--storage-driver", "vfs"}, args...)
		if _, err := peers.Run(t.Context(), "buildah", args...); err != nil {
			t.Fatal(err)
		}
	}
	const dockerfile = "FROM scratch\nCOPY file /\nLABEL a=b\nENV X=y\nCMD [\"/x\"]\nEXPOSE 8080\n"
	buildah("build", "--isolation", "chroot", "-q", "-t", b.ref(name), buildContext(t, dockerfile))
	buildah("push", "-q", "--tls-verify=false", b.ref(name))
	return name
}

// oddImage has what builders seldom write: no time, another platform's variant, a history that knows no times.
func oddImage(t *testing.T, reg *registrytest.Server) string {
	layers := newLayers(t, "a", "b")
	raw := mustJSON(t, map[string]any{
		"architecture": "amd64", "os": "linux", "variant": "v2", "author": "me", "comment": "odd",
		"config": map[string]any{"Cmd": "one string", "StopTimeout": 5, "ArgsEscaped": true, "MacAddress": "02:42"},
		"rootfs": rootFS(layers),
		"history": []any{
			map[string]any{"created_by": "first"},
			map[string]any{"created_by": "second", "empty_layer": true, "created": "1979-01-01T00:00:00.123456789+02:00"},
			map[string]any{"created_by": "third", "comment": "the last", "created": "2020-02-03T04:05:06Z"},
		},
	})
	img := storetest.Image{Config: raw, Layers: layers}
	reg.PutImage("odd", "latest", img.Config, blobs(img)...)
	return "odd"
}

// fewHistory has a history of less than its layers; docker shows only what it tells of.
func fewHistory(t *testing.T, reg *registrytest.Server) string {
	layers := newLayers(t, "c", "d")
	created := time.Date(2021, 3, 4, 5, 6, 7, 8, time.FixedZone("", 3600))
	config := ocispec.Image{Created: &created, RootFS: rootFS(layers), History: []ocispec.History{{CreatedBy: "only"}}}
	config.Platform = ocispec.Platform{OS: "linux", Architecture: "amd64"}
	img := storetest.NewImageWithConfig(t, config, layers...)
	reg.PutImage("few", "1", img.Config, blobs(img)...)
	return "few:1"
}

// indexOf is an index with the one image of another tag.
func indexOf(t *testing.T, b *bench, name string) string {
	scout := newBench(t)
	images, _ := scout.pull(imagefs.PullRequest{Ref: b.ref(name)})
	entry := images[0].Manifest
	entry.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
	b.reg.PutIndex("full", "index", entry)
	return "full:index"
}

func sameInspect(t *testing.T, b *bench, docker, name string) {
	snap := b.Store().Snapshot()
	img, err := imagefs.Resolve(snap, b.ref(name))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := imagefs.Inspect(b.Store(), snap, img)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []map[string]any
	unmarshal(t, []byte(docker), &want)
	unmarshal(t, ours, &got)
	for _, key := range []string{"GraphDriver", "Metadata"} { // docs/semantics.md: another store's
		delete(want[0], key)
	}
	for key, value := range want[0] {
		if mine, ok := got[0][key]; ok && !reflect.DeepEqual(mine, value) {
			t.Errorf("%s: %s", key, cmp.Diff(value, mine))
		}
		if _, ok := got[0][key]; !ok && !slices.Contains([]string{"Container", "ContainerConfig", "Created"}, key) {
			t.Errorf("%s is missing", key)
		}
	}
	if strings.HasPrefix(name, "full") {
		if diff := cmp.Diff(comparable(docker), comparable(string(ours))); diff != "" {
			t.Error(diff)
		}
	}
}

// comparable drops the lines of inspect's text that differ: the rest must be the same to the byte.
func comparable(text string) string {
	text = regexp.MustCompile(`(?s)        "GraphDriver".*?\n        \},\n`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`(?s),\n        "Descriptor".*?\n        \}`).ReplaceAllString(text, "")
	return regexp.MustCompile(`"LastTagTime": ".*"`).ReplaceAllString(text, "")
}

func sameHistory(t *testing.T, b *bench, docker, name string) {
	img, err := imagefs.Resolve(b.Store().Snapshot(), b.ref(name))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := imagefs.History(b.Store(), img)
	if err != nil {
		t.Fatal(err)
	}
	want, got := fieldsOf(t, docker, "CreatedSince"), fieldsOf(t, string(imagefs.HistoryJSON(rows)))
	if name == "few:1" { // docker does not show the layers of which the history does not tell
		got = got[len(got)-len(want):]
		got[0]["ID"] = img.ID.String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func sameImages(t *testing.T, docker string, rows []imagefs.ImageRow, drop ...string) {
	drop = append(drop, "CreatedSince")
	want, got := fieldsOf(t, docker, drop...), fieldsOf(t, string(imagefs.ImagesJSON(rows, time.Now().UTC())), drop...)
	byName := func(a, b map[string]string) int {
		return strings.Compare(a["Repository"]+a["Tag"], b["Repository"]+b["Tag"])
	}
	slices.SortFunc(want, byName)
	slices.SortFunc(got, byName)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func sameEvents(t *testing.T, b *bench, docker string, names []string) {
	for _, name := range names {
		b.pull(imagefs.PullRequest{Ref: b.ref(name)})
	}
	got := b.past()[:len(names)]
	for i, line := range strings.Split(strings.TrimSpace(docker), "\n") {
		var want imagefs.Event
		unmarshal(t, []byte(line), &want)
		want.Seconds, want.Nanoseconds = got[i].Seconds, got[i].Nanoseconds
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Error(diff)
		}
	}
}

// fieldsOf reads lines of JSON, without the fields drop.
func fieldsOf(t *testing.T, text string, drop ...string) (rows []map[string]string) {
	t.Helper()
	for line := range strings.Lines(text) {
		var row map[string]string
		unmarshal(t, []byte(line), &row)
		for _, key := range drop {
			delete(row, key)
		}
		rows = append(rows, row)
	}
	return rows
}

func unmarshal(t *testing.T, raw []byte, v any) {
	t.Helper()
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}
