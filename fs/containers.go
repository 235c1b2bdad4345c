package fs

import (
	"context"
	"errors"
	"io/fs"
	"log"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
)

// mountContainers mounts the store's working containers over the content tree, once that answers. One that cannot be
// mounted is no reason not to mount the images.
func (m *held) mountContainers(ctx context.Context) { m.mountContainersOver(ctx, m.place.Content) }

func (m *held) mountContainersOver(ctx context.Context, content string) {
	if !container.MayMount() {
		return // none can have been made
	}
	err := container.MountAll(ctx, m.config.Root, content, func(c *container.Container, err error) {
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

// handOver has another mount of the store, if there is one, carry the containers once this one is gone.
func (m *held) handOver() {
	if content, err := ContentOf(m.config.Root); err == nil {
		m.mountContainersOver(context.Background(), content)
	}
}
