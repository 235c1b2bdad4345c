package container

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBase: what a process's mounts need is there, is no change, and leaves the image's directories as they are.
func TestBase(t *testing.T) {
	img := newImage(t, "mkdir -m 750 etc; echo image > etc/hosts; mkdir sys; TZ=UTC touch -d 2001-01-01 etc")
	if !MayMount() {
		t.Skip("this user may not mount")
	}
	c := img.create("web")
	if err := c.LayBase(img.tree); err != nil {
		t.Fatal(err)
	}
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
	c := img.create("web")
	if err := c.LayBase(img.tree); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(c.dir, "base")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
