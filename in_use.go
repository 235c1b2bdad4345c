package imagefs

import (
	"fmt"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
)

// users are the containers that stand on images, by the image's ID: for each one that runs, or else one that does not.
type users map[digest.Digest]user

type user struct {
	*container.Container
	runs bool
}

// users are read while ROOT/lock is held, under which containers are made.
func (e *Engine) users() (users, error) {
	all, err := e.Containers()
	if err != nil {
		return nil, err
	}
	found := users{}
	for _, c := range all {
		status, err := c.Status()
		if err != nil {
			return nil, err
		}
		if _, ok := found[c.Image]; !ok || status == container.Running {
			found[c.Image] = user{c, status == container.Running}
		}
	}
	return found, nil
}

// conflict is why an image that is in use cannot be removed, or nil. What only a container that does not run stands on can
// be removed by force: the container keeps its bytes.
func (u users) conflict(img *store.Image, force bool) error {
	by, ok := u[img.ID]
	switch {
	case ok && by.runs:
		return by.error(img, "conflict: unable to delete %s (cannot be forced) - image is being used by running container %s")
	case ok && !force:
		return by.error(img, "conflict: unable to delete %s (must be forced) - image is being used by stopped container %s")
	}
	return nil
}

func (u user) error(img *store.Image, format string) error {
	return &Error{
		Kind: InUse, Subject: shortID(img.ID), Err: fmt.Errorf(format, shortID(img.ID), u.ID[:12]),
		Hint: "remove the container first: imagefs rm " + u.Name,
	}
}

// lastName is why the last name of an image that is in use cannot be taken away, or nil.
func (u users) lastName(img *store.Image, word string) error {
	by, ok := u[img.ID]
	if !ok {
		return nil
	}
	return &Error{
		Kind: InUse, Subject: word, Hint: "remove the container first: imagefs rm " + by.Name,
		Err: fmt.Errorf("conflict: unable to remove repository reference %q (must force) - container %s is using its referenced image %s",
			word, by.ID[:12], shortID(img.ID)),
	}
}
