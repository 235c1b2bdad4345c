package imagefs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/scripts/peers"
	"github.com/imagefs/imagefs/store/archive"
)

// exchange is an image that docker built, and programs to exchange it with as archives.
type exchange struct {
	*bench
	docker dockerCommand
	podman func(args ...string) string
	dir    string
	id     string // with sha256:
}

// TestPeersExchangeArchives gives archives to docker, podman, skopeo and umoci, and loads theirs: the image stays the same.
func TestPeersExchangeArchives(t *testing.T) {
	if missing := peers.Missing("podman", "skopeo", "umoci", "xz"); len(missing) > 0 {
		t.Skipf("needs the programs that podman, skopeo, umoci and xz-utils bring; missing: %v", missing)
	}
	docker, b := startDocker(t)
	x := &exchange{bench: b, docker: docker, dir: t.TempDir(), podman: podman(t)}
	x.build()
	t.Run("load of docker save", x.fromDocker)
	t.Run("docker load", x.toDocker)
	t.Run("podman load", x.toPodman)
	t.Run("skopeo and umoci", x.toSkopeo)
	t.Run("load of podman save", x.fromPodman)
	t.Run("load of skopeo copy", x.fromSkopeo)
	t.Run("load of umoci", x.fromUmoci)
}

func podman(t *testing.T) func(args ...string) string {
	dir, err := os.MkdirTemp("", "podman") // its mounts' names must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return func(args ...string) string {
		t.Helper()
		flags := []string{"--root", dir + "/root", "--runroot", dir + "/run", "--storage-driver", "vfs", "--events-backend", "none"}
		return peer(t, "podman", append(flags, args...)...)
	}
}

func peer(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := peers.Run(t.Context(), name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (x *exchange) path(name string) string { return filepath.Join(x.dir, name) }

// build makes web:1 and web:2, which is one layer more, of a layer with four hundred links, an empty one, and others.
func (x *exchange) build() {
	const dockerfile = "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"/bin\"]\nWORKDIR /srv/www\nCMD [\"sh\"]\n"
	x.docker("build", "--network", "host", "-q", "-t", "web:1", buildContext(x.t, dockerfile))
	x.docker("build", "--network", "host", "-q", "-t", "web:2", buildContext(x.t, "FROM web:1\nRUN rm -r /srv\n"))
	x.docker("tag", "web:1", "other.example:5000/web")
	x.id = strings.TrimSpace(x.docker("images", "-q", "--no-trunc", "web:1"))
}

// loadFile loads a file or directory, and returns docker's lines.
func (x *exchange) loadFile(t *testing.T, b *bench, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r record
	if _, err := b.LoadFile(t.Context(), f, &r); err != nil {
		t.Fatalf("load %s: %v", filepath.Base(path), err)
	}
	return r.lines
}

// loads checks that loading a file gives one image of that ID a name.
func (x *exchange) loads(t *testing.T, path, name, id string) {
	t.Helper()
	b := newBench(t)
	lines := x.loadFile(t, b, path)
	img, err := imagefs.Resolve(b.Store().Snapshot(), name)
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(path), err)
	}
	if img.ID.String() != id || lines[0] != "Loaded image: "+name {
		t.Errorf("%s: %s, want %s; %q", filepath.Base(path), img.ID, id, lines)
	}
}

// saves writes an archive of web.
func (x *exchange) saves(t *testing.T, name, format string, refs ...string) string {
	t.Helper()
	f, err := os.Create(x.path(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := archive.Compressor(name, f)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Save(t.Context(), imagefs.SaveRequest{Refs: refs, Format: format}, w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func (x *exchange) fromDocker(t *testing.T) {
	x.docker("save", "-o", x.path("docker.tar"), "web", "other.example:5000/web")
	lines := x.loadFile(t, x.bench, x.path("docker.tar"))
	if len(lines) != 3 {
		t.Errorf("lines %q", lines)
	}
	x.docker("save", "-o", x.path("one.tar"), "web:1")
	peer(t, "xz", "-k", "-1", x.path("one.tar"))
	for _, name := range []string{"one.tar", "one.tar.xz"} {
		x.loads(t, x.path(name), "web:1", x.id)
	}
}

func (x *exchange) toDocker(t *testing.T) {
	for _, name := range []string{"ours.tar", "ours.tar.gz"} {
		path := x.saves(t, name, "", "web:1", "web:2", "other.example:5000/web")
		x.docker("rmi", "-f", "web:1", "web:2", "other.example:5000/web:latest")
		out := x.docker("load", "-i", path)
		if out != "Loaded image: web:1\nLoaded image: other.example:5000/web:latest\nLoaded image: web:2\n" {
			t.Errorf("%s: %q", name, out)
		}
		if id := strings.TrimSpace(x.docker("images", "-q", "--no-trunc", "web:1")); id != x.id {
			t.Errorf("%s: docker has %s, want %s", name, id, x.id)
		}
	}
	if out := x.docker("run", "--rm", "--network", "none", "web:1", "pwd"); out != "/srv/www\n" {
		t.Errorf("docker runs: %q", out)
	}
}

func (x *exchange) toPodman(t *testing.T) {
	for name, format := range map[string]string{"podman.tar": "docker-archive", "podman-oci.tar": "oci-archive", "podman.tar.zst": ""} {
		path := x.saves(t, name, format, "web:1")
		x.podman("load", "-q", "-i", path)
		// Its name is localhost/web:1 where the archive has it in docker's short form.
		if got := strings.TrimSpace(x.podman("images", "-q", "--no-trunc")); got != x.id {
			t.Errorf("%s: podman has %s, want %s", name, got, x.id)
		}
		x.podman("rmi", "-a")
	}
}

func (x *exchange) toSkopeo(t *testing.T) {
	docker, oci := x.saves(t, "skopeo.tar", "docker-archive", "web:1"), x.saves(t, "skopeo-oci.tar", "oci-archive", "web:1")
	for _, source := range []string{"docker-archive:" + docker, "oci-archive:" + oci, "oci-archive:" + oci + ":docker.io/library/web:1"} {
		if got := configID(t, source); got != x.id {
			t.Errorf("%s: %s, want %s", source, got, x.id)
		}
	}
	peer(t, "skopeo", "copy", "-q", "docker-archive:"+docker, "dir:"+x.path("dir"))
	layout := x.path("layout")
	if err := os.Mkdir(layout, 0o755); err != nil {
		t.Fatal(err)
	}
	peer(t, "tar", "-C", layout, "-xf", oci)
	peer(t, "umoci", "unpack", "--rootless", "--image", layout+":docker.io/library/web:1", x.path("bundle"))
	if _, err := os.Stat(x.path("bundle/rootfs/bin/wget")); err != nil {
		t.Error(err)
	}
}

// configID is the digest of the config that skopeo reads.
func configID(t *testing.T, source string) string {
	t.Helper()
	return digest.FromString(peer(t, "skopeo", "inspect", "--config", "--raw", source)).String()
}

func (x *exchange) fromPodman(t *testing.T) {
	x.podman("load", "-q", "-i", x.path("one.tar"))
	x.podman("save", "-q", "--format", "docker-archive", "-o", x.path("from-podman.tar"), "web:1")
	x.loads(t, x.path("from-podman.tar"), "localhost/web:1", x.id)
	x.podman("save", "-q", "--format", "oci-archive", "-o", x.path("from-podman-oci.tar"), "web:1")
	// It is another config: podman writes it anew.
	x.loads(t, x.path("from-podman-oci.tar"), "localhost/web:1", configID(t, "oci-archive:"+x.path("from-podman-oci.tar")))
}

func (x *exchange) fromSkopeo(t *testing.T) {
	source := "docker-archive:" + x.path("one.tar")
	peer(t, "skopeo", "copy", "-q", source, "docker-archive:"+x.path("from-skopeo.tar")+":web:1")
	x.loads(t, x.path("from-skopeo.tar"), "web:1", x.id)
	for _, target := range []string{"oci-archive:" + x.path("from-skopeo-oci.tar"), "oci:" + x.path("from-skopeo")} {
		peer(t, "skopeo", "copy", "-q", source, target+":web:1")
		_, path, _ := strings.Cut(target, ":")
		x.loads(t, path, "web:1", configID(t, target+":web:1"))
	}
}

func (x *exchange) fromUmoci(t *testing.T) {
	layout := x.path("umoci")
	peer(t, "umoci", "init", "--layout", layout)
	peer(t, "umoci", "new", "--image", layout+":web")
	peer(t, "umoci", "insert", "--rootless", "--image", layout+":web", x.path("one.tar"), "/one.tar")
	x.loads(t, layout, "web:latest", configID(t, "oci:"+layout+":web"))
}
