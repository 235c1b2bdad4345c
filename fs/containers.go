package fs

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
)

// mountContainers mounts the store's working containers over the content tree, once that answers. One that cannot be
// mounted is no reason not to mount the images.
func (m *held) mountContainers(ctx context.Context) {
	if !container.MayMount() {
		return // none can have been made
	}
	err := container.MountAll(ctx, m.config.Root, m.place.Content, func(c *container.Container, err error) {
		log.Printf("container %s is not mounted: %v", c.Name, err)
	})
	if err != nil {
		log.Printf("the working containers are not mounted: %v", err)
	}
}

// unmountContainers takes down what stands on the content tree, which the kernel would otherwise keep alive. If one is in
// use, the others are mounted again.
func (m *held) unmountContainers(lazy bool) error {
	err := container.UnmountAll(context.Background(), m.place.Content, lazy)
	var at *fs.PathError
	if imagefs.KindOf(err) == imagefs.InUse && errors.As(err, &at) {
		m.mountContainers(context.Background())
		return inUse(at.Path)
	}
	return err
}

// ContentOf finds where a content tree of the store at root is mounted by this user; "" if none is.
func ContentOf(root string) (string, error) {
	run, err := runDir()
	if err != nil {
		return "", err
	}
	records, err := filepath.Glob(filepath.Join(run, "*.state", "place.json"))
	if err != nil {
		return "", err
	}
	for _, record := range records {
		var p place
		if text, err := os.ReadFile(record); err != nil || json.Unmarshal(text, &p) != nil {
			continue // it is just being mounted or unmounted
		}
		if ok, err := mounted(p.Content); err != nil {
			return "", err
		} else if ok && p.isHeld() && sameDir(p.Root, root) {
			return p.Content, nil
		}
	}
	return "", nil
}

// isHeld tells whether the place's holder lives.
func (p place) isHeld() bool {
	c, err := net.Dial("unix", p.socket())
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func sameDir(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
