package imagefs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/distribution/reference"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/tree"
)

// CreateRequest is what `docker create` is asked for.
type CreateRequest struct {
	Image string
	Name  string // "" for one that is made up
	// Config is how a process is to run in the container; what it leaves empty is the image's.
	Config ContainerConfig
	// Runs says that a process is to run in it: what that needs and the image lacks is there, and is no change.
	Runs bool
}

// UseContent says where a content tree of the engine's store is mounted: working containers are mounted over it. Without
// it they are made, and mounted when a mount of the store comes up. It is called before the verbs.
func (e *Engine) UseContent(dir string) { e.content = dir }

// Create makes a working container: a writable view of an image. Its line is the container's ID. The error is of kind
// NotFound, Invalid, InUse (the name), or Denied and Unsupported where no overlay can be mounted.
func (e *Engine) Create(ctx context.Context, req CreateRequest, report Reporter) (*container.Container, error) {
	if !container.MayMount() {
		return nil, &Error{
			Kind: Denied, Err: errors.New("working containers are overlay file systems, which this user may not mount"),
			Hint: "run imagefs, or its mount, as root",
		}
	}
	var made *container.Container
	_, err := e.store.Update(ctx, func(snap *store.Snapshot) (_ []store.Change, err error) {
		made, err = e.create(snap, req)
		return nil, err
	})
	if err != nil {
		return nil, err
	}
	if e.content != "" {
		if err := made.Mount(ctx, e.content); err != nil {
			return nil, errors.Join(cannotMount(made, err), made.Remove(context.WithoutCancel(ctx), true))
		}
	}
	report.Line(made.ID)
	e.events.container("create", made, nil)
	return made, nil
}

// create makes the container while the references cannot change.
func (e *Engine) create(snap *store.Snapshot, req CreateRequest) (*container.Container, error) {
	img, err := Resolve(snap, req.Image)
	if err != nil {
		return nil, err
	}
	image, err := readConfig(e.store, img)
	if err != nil {
		return nil, err
	}
	if req.Name != "" && !container.ValidName(req.Name) {
		return nil, invalid(req.Name, "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", req.Name)
	}
	if req.Name == "" {
		req.Name = container.FreeName(func(name string) bool {
			_, err := container.Open(e.store.Dir(), name)
			return err == nil
		})
	}
	c := container.Container{ID: container.NewID(), Name: req.Name, Created: time.Now().UTC(), Image: img.ID}
	if c.Config, err = json.Marshal(newContainer(req, image.Config, c.ID)); err != nil {
		return nil, err
	}
	var base *tree.Tree
	if req.Runs {
		if base, err = e.store.Tree(img); err != nil {
			return nil, err
		}
	}
	made, err := container.Create(e.store.Dir(), c, base)
	if errors.Is(err, container.ErrExists) {
		return nil, e.nameTaken(req.Name)
	}
	return made, err
}

// newContainer is the container's config, made as docker does of what the user and what the image says (moby
// runconfig/merge.go).
func newContainer(req CreateRequest, image *ContainerConfig, id string) *ContainerConfig {
	c := req.Config
	c.Image, c.AttachStdout, c.AttachStderr = req.Image, true, true
	if c.Hostname == "" {
		c.Hostname = id[:12]
	}
	if image != nil {
		c.merge(image)
	}
	return &c
}

func (e *Engine) nameTaken(name string) error {
	by := "that is damaged"
	if c, err := container.Open(e.store.Dir(), name); err == nil {
		by = `"` + c.ID + `"`
	}
	return &Error{
		Kind: InUse, Subject: name, Hint: "imagefs rm " + name,
		Err: errors.New(`Conflict. The container name "/` + name + `" is already in use by container ` + by +
			". You have to remove (or rename) that container to be able to reuse that name."),
	}
}

// cannotMount says why a container's overlay cannot be mounted.
func cannotMount(c *container.Container, err error) error {
	hints := map[Kind]string{
		Denied:   "working containers need the privilege to mount: run imagefs, or its mount, as root",
		NotFound: "is the content tree mounted, and does it have the image?",
	}
	kind := KindOf(err)
	hint := hints[kind]
	if kind == Internal {
		kind = Unsupported
		hint = "the kernel must have overlayfs, and the store be on a file system that it can write to: " + filepath.Dir(c.Rootfs())
	}
	return &Error{Kind: kind, Subject: c.Name, Err: fmt.Errorf("cannot mount the container's overlay file system: %w", err), Hint: hint}
}

// familiarImage is how docker's events and lists call the image of a container: as the user did.
func familiarImage(c *container.Container) string {
	word := containerConfig(c).Image
	if named, err := reference.ParseNormalizedNamed(word); err == nil {
		return reference.FamiliarString(named)
	}
	return word
}
