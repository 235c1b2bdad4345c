package container

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/storetest"
	"github.com/imagefs/imagefs/store/tree"
)

// image is an image in a store, and a directory that stands in for a content tree which shows it.
type image struct {
	t       *testing.T
	id      digest.Digest
	root    string
	content string
	layer   storetest.Layer
	tree    *tree.Tree
}

// newImage makes an image of one layer, of what a script makes in an empty directory.
func newImage(t *testing.T, script string) *image {
	t.Helper()
	img := &image{t: t, root: t.TempDir(), content: filepath.Join(t.TempDir(), "content, with: odd\\name")}
	src := t.TempDir()
	sh(t, src, script)
	blob := sh(t, src, "tar --xattrs --xattrs-include='*' --sort=name -cf - .")
	img.layer = storetest.Tar([]byte(blob))
	s := storetest.Open(t, img.root)
	published := storetest.NewImage(t, img.layer).Publish(t, s, "docker.io/library/base:1")
	img.id = published.ID
	var err error
	if img.tree, err = s.Tree(published); err != nil {
		t.Fatal(err)
	}
	rootfs := filepath.Join(img.content, img.id.Encoded(), "rootfs")
	if err := os.MkdirAll(filepath.Dir(rootfs), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(src, rootfs); err != nil {
		t.Fatal(err)
	}
	return img
}

// create makes a container of the image, not mounted, in which nothing runs, and which is removed at the test's end.
func (img *image) create(name string) *Container { return img.createOver(name, nil) }

// createOver makes a container in which something may run, if the image's tree is given.
func (img *image) createOver(name string, tree *tree.Tree) *Container {
	img.t.Helper()
	c, err := Create(img.root, Container{ID: NewID(), Name: name, Image: img.id, Config: []byte("{}")}, tree)
	if err != nil {
		img.t.Fatal(err)
	}
	img.t.Cleanup(func() {
		if err := c.Remove(context.Background(), true); err != nil && !errors.Is(err, os.ErrNotExist) {
			img.t.Error(err)
		}
	})
	return c
}

// mounted makes a container of the image and mounts it.
func (img *image) mounted(name string) *Container {
	img.t.Helper()
	if !MayMount() {
		img.t.Skip("this user may not mount")
	}
	c := img.create(name)
	if err := c.Mount(img.t.Context(), img.content); err != nil {
		img.t.Fatal(err)
	}
	return c
}

// sh runs a script in a directory, and returns what it prints.
func sh(t *testing.T, dir, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command("bash", append([]string{"-euc", script, "bash"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s\n%v: %s", script, err, stderr.Bytes())
	}
	return string(out)
}

// changes gives the container's changes.
func (img *image) changes(c *Container) string {
	img.t.Helper()
	changes, err := c.Changes(img.t.Context(), img.tree)
	if err != nil {
		img.t.Fatal(err)
	}
	var lines []string
	for _, change := range changes {
		lines = append(lines, change.String())
	}
	return strings.Join(lines, "\n")
}

func layerOf(t *testing.T, c *Container) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := c.WriteLayer(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// headers are a tar's.
func headers(t *testing.T, archive []byte) map[string]*tar.Header {
	t.Helper()
	all := map[string]*tar.Header{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[h.Name] = h
	}
}
