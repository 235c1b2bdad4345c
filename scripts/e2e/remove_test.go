package e2e

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry/registrytest"
	"github.com/imagefs/imagefs/store"
)

const noiseSize = 16 << 20

// noise is a tar of one file that cannot be compressed.
func noise() []byte {
	content := make([]byte, noiseSize)
	rand.NewChaCha8([32]byte{1}).Read(content)
	return tarOf(&tar.Header{Name: "noise", Mode: 0o644, Size: noiseSize}, content)
}

// TestRemovedImageIsReadToItsEnd removes an image, in another process's way, that somebody reads and somebody stands in,
// kills the server, upgrades it, and counts what the store takes on the disk.
func TestRemovedImageIsReadToItsEnd(t *testing.T) {
	need(t)
	m := newMount(t)
	r := registrytest.New(t)
	base, top := tarOf(&tar.Header{Name: "base", Mode: 0o644, Size: 4}, []byte("base")), noise()
	layers := []registrytest.Layer{
		{MediaType: ocispec.MediaTypeImageLayer, Data: base}, {MediaType: ocispec.MediaTypeImageLayer, Data: top},
	}
	r.PutImage("demo/base", "1", configOf("linux", "amd64", base), layers[0])
	r.PutImage("demo/noise", "1", configOf("linux", "amd64", base, top), layers...)
	kept, removed := r.Host+"/demo/base:1", r.Host+"/demo/noise:1"
	m.pull(kept)
	before := m.used()
	m.pull(removed)
	if n := m.used() - before; n < noiseSize {
		t.Fatalf("the image takes %d bytes", n)
	}
	dir, err := os.Readlink(m.tag(removed))
	if err != nil {
		t.Fatal(err)
	}
	shown := m.path("by-id", filepath.Base(dir))
	want := sh(t, "cat "+shown+"/rootfs/noise | sha256sum | cut -c1-64 | tr -d '\\n'")

	t.Run("in use", func(t *testing.T) {
		file, err := os.Open(shown + "/rootfs/noise")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		sum := sha256.New()
		if _, err := io.CopyN(sum, file, 1<<20); err != nil {
			t.Fatal(err)
		}
		shell := standIn(t, shown+"/rootfs")
		shell.check()
		remove(t, m.root, removed)
		m.eventually("the image is gone", func() bool { _, err := os.Stat(shown); return os.IsNotExist(err) })
		shell.check()
		for range 2 {
			for _, pid := range m.servers() {
				syscall.Kill(pid, syscall.SIGKILL)
			}
			shell.check()
			sh(t, binary+" upgrade "+m.dir)
			shell.check()
		}
		if n := m.used() - before; n < noiseSize {
			t.Errorf("the image takes %d bytes while it is in use", n)
		}
		if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(sum, file); err != nil || fmt.Sprintf("%x", sum.Sum(nil)) != want {
			t.Errorf("read something else, or not all: %v", err)
		}
	})
	m.eventually("the space is back", func() bool { return m.used() <= before+64<<10 })
	m.eventually("nothing that was removed is open", func() bool { return m.deleted() == "" })
	if got := sh(t, "cat "+m.tag(kept, "rootfs", "base")); got != "base" {
		t.Errorf("the other image has %q", got)
	}
	m.pull(removed)
	if got := sh(t, "cat "+shown+"/rootfs/noise | sha256sum | cut -c1-64 | tr -d '\\n'"); got != want {
		t.Errorf("pulled again, it has %s, want %s", got, want)
	}
	remove(t, m.root, removed)
	m.eventually("the space is back again", func() bool { return m.used() <= before+64<<10 })
}

// used is how much of the disk the store takes, in bytes.
func (m *mount) used() int {
	m.t.Helper()
	n, _, _ := strings.Cut(sh(m.t, "du -sk "+m.root), "\t")
	kib, err := strconv.Atoi(n)
	if err != nil {
		m.t.Fatal(err)
	}
	return kib << 10
}

// deleted lists what of the store the server has open or mapped although it is deleted.
func (m *mount) deleted() string {
	m.t.Helper()
	out, _ := shell(m.t, fmt.Sprintf("cd /proc/%d && { ls -l fd; cat maps; } | grep -F %s | grep deleted", m.servers()[0], m.root))
	return out
}

// remove removes the image that a name means, as any other process may.
func remove(t *testing.T, root, name string) {
	t.Helper()
	s, err := store.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Update(t.Context(), func(snap *store.Snapshot) ([]store.Change, error) {
		return []store.Change{{Remove: snap.Reference(name).Images[0].ID}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
}
