package container

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/storetest"
)

// TestBase: what a process's mounts need is there, is no change, and leaves the image's directories as they are.
func TestBase(t *testing.T) {
	img := newImage(t, "mkdir -m 750 etc; echo image > etc/hosts; mkdir sys; TZ=UTC touch -d 2001-01-01 etc")
	if !MayMount() {
		t.Skip("this user may not mount")
	}
	c := img.createOver("web", img.tree)
	if err := c.Mount(t.Context(), img.content); err != nil {
		t.Fatal(err)
	}
	const list = "cat etc/hosts; find . -mindepth 1 | sort; stat -c '%n %a %Y' etc"
	want := "image\n./dev\n./etc\n./etc/hostname\n./etc/hosts\n./etc/resolv.conf\n./proc\n./sys\netc 750 978307200\n"
	if got := sh(t, c.Rootfs(), list); got != want {
		t.Errorf("got %s", got)
	}
	if got := img.changes(c); got != "" {
		t.Errorf("changes: %s", got)
	}
	sh(t, c.Rootfs(), "echo new > etc/new")
	if got := img.changes(c); got != "C /etc\nA /etc/new" {
		t.Errorf("changes: %s", got)
	}
	if all := headers(t, layerOf(t, c)); len(all) != 2 {
		t.Errorf("layer: %v", all)
	}
}

// TestBaseOfLinks: what stands elsewhere is left alone.
func TestBaseOfLinks(t *testing.T) {
	img := newImage(t, "ln -s usr/etc etc; mkdir dev proc sys")
	c := img.createOver("web", img.tree)
	if left, err := os.ReadDir(filepath.Join(c.dir, "base")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// TestBaseFails: of a container whose base cannot be laid nothing is left.
func TestBaseFails(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may set capabilities")
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	bad := map[string]string{xattrRecord + capability: "bad"}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755, PAXRecords: bad}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	s := storetest.New(t)
	img := storetest.NewImage(t, storetest.Tar(layer.Bytes())).Publish(t, s, "docker.io/library/base:1")
	image, err := s.Tree(img)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Create(s.Dir(), Container{ID: NewID(), Name: "web", Image: img.ID, Config: []byte("{}")}, image)
	if !errors.Is(err, unix.EINVAL) {
		t.Fatalf("%+v, %v", c, err)
	}
	if left, err := os.ReadDir(Dir(s.Dir())); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
