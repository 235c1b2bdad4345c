package imagefs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store/tree"
)

// Containers returns the store's working containers, newest first, as docker orders them.
func (e *Engine) Containers() ([]*container.Container, error) {
	all, err := container.List(e.store.Dir())
	slices.SortStableFunc(all, func(a, b *container.Container) int { return b.Created.Compare(a.Created) })
	return all, err
}

// Container finds the container that a word means, as docker does: an ID, a name, or a unique beginning of an ID. The
// error is of kind NotFound or Invalid.
func (e *Engine) Container(word string) (*container.Container, error) {
	all, err := e.Containers()
	if err != nil {
		return nil, err
	}
	return findContainer(all, word)
}

func findContainer(all []*container.Container, word string) (*container.Container, error) {
	name := strings.TrimPrefix(word, "/")
	for _, is := range []func(*container.Container) bool{
		func(c *container.Container) bool { return c.ID == word },
		func(c *container.Container) bool { return c.Name == name },
	} {
		if i := slices.IndexFunc(all, is); i >= 0 {
			return all[i], nil
		}
	}
	var found []*container.Container
	for _, c := range all {
		if word != "" && strings.HasPrefix(c.ID, word) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return nil, &Error{Kind: NotFound, Subject: word, Err: errors.New("No such container: " + word), Hint: "imagefs ps -a lists them"}
	case 1:
		return found[0], nil
	}
	return nil, &Error{
		Kind: Invalid, Subject: word, Err: errors.New("Multiple IDs found with provided prefix: " + word),
		Hint: "write more of its digits",
	}
}

// RemoveContainer removes a container, and what was changed in it, as `docker rm` does. By force also one in which a process runs,
// which is killed, or of which somebody has a file open. The error is of kind NotFound, Invalid or InUse.
func (e *Engine) RemoveContainer(ctx context.Context, word string, force bool) error {
	c, err := e.Container(word)
	if err != nil {
		return err
	}
	if err := e.endBeforeRemoval(ctx, c, word, force); err != nil {
		return err
	}
	err = c.Remove(ctx, force)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // whoever ran it has removed it
	}
	if KindOf(err) == InUse {
		return &Error{
			Kind: InUse, Subject: word, Err: fmt.Errorf("container %s is in use: %w", word, err),
			Hint: "see who with: fuser -vm " + c.Rootfs(),
		}
	}
	if err != nil {
		return err
	}
	e.events.container("destroy", c, nil)
	_, err = e.store.Collect(ctx) // of what only the container stood on
	return err
}

// endBeforeRemoval sees to it that nothing runs in the container: by force, or not at all.
func (e *Engine) endBeforeRemoval(ctx context.Context, c *container.Container, word string, force bool) error {
	status, err := c.Status()
	if err != nil || status != container.Running {
		return err
	}
	if !force {
		return &Error{
			Kind: InUse, Subject: word, Hint: "imagefs stop " + c.Name + ", or force it",
			Err: fmt.Errorf("You cannot remove a running container %s. Stop the container before attempting removal or force remove", c.ID),
		}
	}
	return kill(ctx, c)
}

// Changes lists what was changed in a container, as `docker diff` does. The error is of kind NotFound or Invalid.
func (e *Engine) Changes(ctx context.Context, word string) ([]container.Change, error) {
	c, err := e.Container(word)
	if err != nil {
		return nil, err
	}
	lock, err := c.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	image, err := e.treeOf(c)
	if err != nil {
		return nil, err
	}
	return c.Changes(image)
}

// treeOf is the root file system of the image that a container stands on, which may be gone from the references.
func (e *Engine) treeOf(c *container.Container) (*tree.Tree, error) {
	img, err := e.imageOf(c)
	if err != nil {
		return nil, err
	}
	return e.store.Tree(img)
}

// container writes down what happened to a container.
func (b bus) container(action string, c *container.Container, more map[string]string) {
	attributes := map[string]string{"image": familiarImage(c), "name": c.Name}
	for _, all := range []map[string]string{containerConfig(c).Labels, more} {
		for key, value := range all {
			attributes[key] = value
		}
	}
	b.write(Event{Type: "container", Action: action, Actor: Actor{ID: c.ID, Attributes: attributes}}, time.Now())
}
