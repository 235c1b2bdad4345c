package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/registry/registrytest"
)

// TestFailingPulls makes pulls fail in each way that they can. The shell gets the errno, the descriptor that wrote reads
// why, ctl/errors keeps it, and the store stays as it was.
func TestFailingPulls(t *testing.T) {
	need(t)
	m := newMount(t)
	good := registrytest.New(t)
	m.pull(simple(good))
	before := published(t, m.root)

	t.Run("pulls", func(t *testing.T) {
		for _, f := range failures {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				f.check(t, m)
			})
		}
	})
	if after := published(t, m.root); after != before {
		t.Errorf("the store changed:\n%s\nit was:\n%s", after, before)
	}
	if out := sh(t, "cat "+m.path("images")); strings.Count(out, "\n") != 2 {
		t.Errorf("images: %s", out)
	}
}

// failure is a pull that cannot succeed.
type failure struct {
	name    string
	prepare func(s *registrytest.Server) (line string) // what to write to ctl/pull
	errno   syscall.Errno
	says    string // a part of the sentence
}

// image puts demo/x:1, one layer, into the registry.
func image(s *registrytest.Server, mediaType string, blob, tar []byte) string {
	s.PutImage("demo/x", "1", configOf("linux", "amd64", tar), registrytest.Layer{MediaType: mediaType, Data: blob})
	return s.Host + "/demo/x:1"
}

func simple(s *registrytest.Server) string {
	return image(s, ocispec.MediaTypeImageLayerGzip, gzipped(simpleTar(s)), simpleTar(s))
}

var failures = []failure{
	{"bad reference", func(s *registrytest.Server) string { return s.Host + "/demo/X:1" },
		syscall.EINVAL, "invalid reference format"},
	{"unknown option", func(s *registrytest.Server) string { return "--nonsense " + simple(s) },
		syscall.EINVAL, "nonsense"},
	{"no words", func(*registrytest.Server) string { return "''" },
		syscall.EINVAL, "invalid reference format"},
	{"unbalanced quote", func(s *registrytest.Server) string { return "'" + simple(s) },
		syscall.EINVAL, "quot"},
	{"no such tag", func(s *registrytest.Server) string { return strings.TrimSuffix(simple(s), "1") + "2" },
		syscall.ENOENT, "manifest unknown"},
	{"no such repository", func(s *registrytest.Server) string { return s.Host + "/demo/none:1" },
		syscall.ENOENT, "demo/none"},
	{"authentication required", func(s *registrytest.Server) string {
		line := simple(s)
		s.RequireBasic("user", "secret")
		return line
	}, syscall.EACCES, "authentication"},
	{"nothing listens", func(s *registrytest.Server) string {
		line := simple(s)
		s.Close()
		return line
	}, syscall.ECONNREFUSED, "refused"},
	{"no such host", func(*registrytest.Server) string { return "registry.invalid/demo/x:1" },
		syscall.EHOSTUNREACH, "registry.invalid"},
	{"stalls for good", func(s *registrytest.Server) string {
		line := simple(s)
		s.Next(registrytest.Always, "GET .*/blobs/", registrytest.Stall(0))
		return line
	}, syscall.ETIMEDOUT, "no data"},
	{"errors for good", func(s *registrytest.Server) string {
		line := simple(s)
		s.Next(registrytest.Always, "/manifests/", registrytest.Status(500, "boom"))
		return line
	}, syscall.EREMOTEIO, "500"},
	{"cut short for good", func(s *registrytest.Server) string {
		line := simple(s)
		s.Next(registrytest.Always, "GET .*/blobs/", registrytest.Truncate(100))
		return line
	}, syscall.EIO, "ended at byte 100"},
	{"body of the wrong digest", func(s *registrytest.Server) string {
		line := simple(s)
		s.Next(registrytest.Always, "GET .*/blobs/"+digest.FromBytes(gzipped(simpleTar(s))).String(), registrytest.Flip(150))
		return line
	}, syscall.EIO, ""},
	{"manifest of the wrong digest", func(s *registrytest.Server) string {
		line := simple(s)
		d := s.PutImage("demo/x", "2", configOf("linux", "amd64", simpleTar(s)), registrytest.Layer{MediaType: ocispec.MediaTypeImageLayerGzip, Data: gzipped(simpleTar(s))})
		s.Next(registrytest.Always, "GET .*/manifests/", registrytest.Flip(20))
		return strings.TrimSuffix(line, ":1") + "@" + d.Digest.String()
	}, syscall.EIO, "want sha256:"},
	{"manifest too large", func(s *registrytest.Server) string {
		line := simple(s)
		s.Next(registrytest.Always, "/manifests/", registrytest.Status(200, strings.Repeat(" ", 5<<20), "Content-Type", ocispec.MediaTypeImageManifest))
		return line
	}, syscall.EIO, "4 MiB"},
	{"not a registry", func(s *registrytest.Server) string {
		line := simple(s)
		s.Next(registrytest.Always, "/manifests/", registrytest.Status(200, "<html>Welcome</html>", "Content-Type", "text/html"))
		return line
	}, syscall.EIO, ""},
	{"wrong diffID", func(s *registrytest.Server) string {
		return image(s, ocispec.MediaTypeImageLayerGzip, gzipped(simpleTar(s)), []byte("something else"))
	}, syscall.EIO, "diffID"},
	{"corrupt gzip stream", func(s *registrytest.Server) string {
		blob := gzipped(simpleTar(s))
		copy(blob[len(blob)/2:], "0000000000000000")
		return image(s, ocispec.MediaTypeImageLayerGzip, blob, simpleTar(s))
	}, syscall.EIO, ""},
	{"corrupt zstd stream", func(s *registrytest.Server) string {
		blob := zstandard(simpleTar(s))
		copy(blob[len(blob)/2:], "0000000000000000")
		return image(s, ocispec.MediaTypeImageLayerZstd, blob, simpleTar(s))
	}, syscall.EIO, ""},
	{"not gzip at all", func(s *registrytest.Server) string {
		return image(s, ocispec.MediaTypeImageLayerGzip, []byte("this is no gzip stream"), simpleTar(s))
	}, syscall.EIO, ""},
	{"corrupt tar", func(s *registrytest.Server) string {
		bad := bytes.Clone(simpleTar(s))
		copy(bad[148:], "1111111") // the first header's checksum
		return image(s, ocispec.MediaTypeImageLayerGzip, gzipped(bad), bad)
	}, syscall.EIO, "not a valid layer"},
	{"name with ..", func(s *registrytest.Server) string {
		bad := tarOf(&tar.Header{Name: "a/../../etc/passwd", Mode: 0o644}, nil)
		return image(s, ocispec.MediaTypeImageLayerGzip, gzipped(bad), bad)
	}, syscall.EIO, ".."},
	{"id that wraps to root", func(s *registrytest.Server) string {
		bad := tarOf(&tar.Header{Name: "a", Mode: 0o644, Uid: 1 << 32, Format: tar.FormatPAX}, nil)
		return image(s, ocispec.MediaTypeImageLayerGzip, gzipped(bad), bad)
	}, syscall.EIO, "4294967296"},
	{"unknown media type", func(s *registrytest.Server) string {
		return image(s, "application/vnd.example.layer.v1.squashfs", gzipped(simpleTar(s)), simpleTar(s))
	}, syscall.EOPNOTSUPP, "squashfs"},
	{"not an image", func(s *registrytest.Server) string {
		line := simple(s)
		config := s.PutBlob("demo/x", "application/vnd.example.config.v1+json", []byte("{}"))
		manifest, err := json.Marshal(ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: config})
		if err != nil {
			panic(err)
		}
		s.PutManifest("demo/x", "1", ocispec.MediaTypeImageManifest, bytes.Replace(manifest, []byte(`"schemaVersion":0`), []byte(`"schemaVersion":2`), 1))
		return line
	}, syscall.EOPNOTSUPP, "application/vnd.example.config.v1+json"},
	{"for another platform only", func(s *registrytest.Server) string {
		d := s.PutImage("demo/x", "s390x", configOf("linux", "s390x", simpleTar(s)), registrytest.Layer{MediaType: ocispec.MediaTypeImageLayerGzip, Data: gzipped(simpleTar(s))})
		d.Platform = &ocispec.Platform{OS: "linux", Architecture: "s390x"}
		s.PutIndex("demo/x", "1", d)
		return s.Host + "/demo/x:1"
	}, syscall.EOPNOTSUPP, "no matching manifest for linux/amd64"},
}

// check pulls as a shell would: the descriptor that wrote then reads what went wrong.
func (f failure) check(t *testing.T, m *mount) {
	line := f.prepare(registrytest.New(t))
	// One write(2), as bash's echo does; what is read back comes after the status.
	out, err := exec.Command("bash", "-c", `exec 3<>"$1"; echo "$2" >&3; echo "status $?"; cat <&3`, "bash", m.path("ctl", "pull"), line).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := string(out)
	if want := "write error: " + f.errno.Error(); !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
		t.Errorf("the shell does not say %q:\n%s", want, text)
	}
	_, back, _ := strings.Cut(text, "status 1\n")
	if _, said, ok := strings.Cut("\n"+back, "\nerror: "); !ok || !strings.Contains(said, f.says) {
		t.Errorf("the read-back does not say %q:\n%s", f.says, text)
	}
	kept, err := os.ReadFile(m.path("ctl", "errors"))
	if err != nil || !strings.Contains(string(kept), line) {
		t.Errorf("ctl/errors does not have the line %q: %v", line, err)
	}
	if testing.Verbose() {
		t.Logf("%s: %s", line, back)
	}
}

// TestPullsThatSurvive: the registry misbehaves for a while, and the pull succeeds.
func TestPullsThatSurvive(t *testing.T) {
	need(t)
	m := newMount(t)
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, s *registrytest.Server)
	}{
		{"429 for a while", func(_ *testing.T, s *registrytest.Server) {
			s.Next(2, "/manifests/|/blobs/", registrytest.Status(429, "slow down", "Retry-After", "1"))
		}},
		{"503 for a while", func(_ *testing.T, s *registrytest.Server) {
			s.Next(2, "GET .*/manifests/", registrytest.Status(503, "busy"))
			s.Next(2, "GET .*/blobs/", registrytest.Status(503, "busy"))
		}},
		{"resets", func(_ *testing.T, s *registrytest.Server) { s.Next(3, "GET .*/blobs/", registrytest.Reset(120)) }},
		{"ignores Range", func(_ *testing.T, s *registrytest.Server) {
			s.Next(1, "GET .*/blobs/", registrytest.Reset(120))
			s.Next(registrytest.Always, "GET .*/blobs/", registrytest.IgnoreRange())
		}},
		{"redirects", func(t *testing.T, s *registrytest.Server) {
			other := registrytest.New(t)
			other.PutBlob("demo/x", ocispec.MediaTypeImageLayerGzip, gzipped(simpleTar(s)))
			other.PutBlob("demo/x", ocispec.MediaTypeImageConfig, configOf("linux", "amd64", simpleTar(s)))
			s.Next(registrytest.Always, "GET .*/blobs/", registrytest.Redirect(other.URL))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := registrytest.New(t)
			line := simple(s)
			c.prepare(t, s)
			if out, err := exec.Command("bash", "-c", `echo "$2" > "$1"`, "bash", m.path("ctl", "pull"), line).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestDiskFull pulls into a store that is too small.
func TestDiskFull(t *testing.T) {
	name := busyboxWith(t, 24<<20)
	dir := tempDir(t)
	if err := unix.Mount("small", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	m := mountStore(t, filepath.Join(dir, "store"))
	small := busybox(t)
	m.pull(small)
	before := published(t, m.root)
	failure{"disk full", func(*registrytest.Server) string { return name }, syscall.ENOSPC, "no space left"}.check(t, m)
	if after := published(t, m.root); after != before {
		t.Errorf("the store changed:\n%s\nit was:\n%s", after, before)
	}
	if _, err := os.ReadFile(m.tag(small, "rootfs", "bin", "busybox")); err != nil {
		t.Error(err)
	}
}

// published lists everything a store holds but downloads in progress.
func published(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root)
		// What is under way, and what mounts show, is no image's.
		if d.IsDir() && (strings.HasPrefix(name, "/ingest") || strings.HasPrefix(name, "/mounts")) {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			// Manifests and configs are small, and are garbage until a reference leads to them.
			if !json.Valid(text) || strings.HasSuffix(name, "index.json") {
				fmt.Fprintln(&b, name, digest.FromBytes(text))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// simpleTar is a layer of one file, /hello of 4096 bytes, of which each registry has its own.
func simpleTar(s *registrytest.Server) []byte {
	return tarOf(&tar.Header{Name: "hello", Mode: 0o644, Size: 4096}, bytes.Repeat([]byte(s.Host+", \x00\x80 world.\n"), 256)[:4096])
}

func tarOf(h *tar.Header, content []byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(h); err != nil {
		panic(err)
	}
	if _, err := w.Write(content); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.NoCompression) // so that there is something to cut
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func zstandard(data []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(data, nil)
}

// configOf is the config of an image of layers.
func configOf(os, architecture string, tars ...[]byte) []byte {
	var diffIDs []digest.Digest
	for _, tar := range tars {
		diffIDs = append(diffIDs, digest.FromBytes(tar))
	}
	config, err := json.Marshal(ocispec.Image{
		Platform: ocispec.Platform{OS: os, Architecture: architecture},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: diffIDs},
	})
	if err != nil {
		panic(err)
	}
	return config
}
