package imagefs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/store"
)

// CommitRequest is what `docker commit` is asked for.
type CommitRequest struct {
	Container string
	Ref       string // "" for an image without a name
	Author    string
	Message   string
	Changes   []string // instructions, as of a Dockerfile
}

// Commit makes an image of a container: the image it stands on and, where something was changed, a layer. Its line is the
// new image's ID. What runs in the container goes on. The error is of kind NotFound, Invalid or Unsupported.
func (e *Engine) Commit(ctx context.Context, req CommitRequest, report Reporter) (*store.Image, error) {
	var names []string
	if req.Ref != "" {
		name, err := tagName(req.Ref)
		if err != nil {
			return nil, err
		}
		names = []string{name.String()}
	}
	c, err := e.Container(req.Container)
	if err != nil {
		return nil, err
	}
	lock, err := c.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	img, err := e.commit(ctx, c, req, names)
	if err != nil {
		return nil, err
	}
	report.Line(img.ID.String())
	e.events.container("commit", c, map[string]string{
		"comment": req.Message, "imageID": img.ID.String(), "imageRef": strings.Join(names, ""),
	})
	for _, name := range names {
		e.events.image("tag", img, familiar(name))
	}
	return img, nil
}

func (e *Engine) commit(ctx context.Context, c *container.Container, req CommitRequest, names []string) (*store.Image, error) {
	base, err := e.imageOf(c)
	if err != nil {
		return nil, err
	}
	child, err := e.newChild(base, c, req)
	if err != nil {
		return nil, err
	}
	claim, err := e.store.Claim()
	if err != nil {
		return nil, err
	}
	defer claim.Close()
	layers := slices.Clone(base.Layers)
	top, diffID, err := e.addUpper(ctx, claim, c)
	if err != nil {
		return nil, err
	}
	if top != nil {
		layers = append(layers, *top)
		child.RootFS.DiffIDs = append(child.RootFS.DiffIDs, diffID)
	}
	child.History[len(child.History)-1].EmptyLayer = top == nil
	raw, err := json.Marshal(child)
	if err != nil {
		return nil, err
	}
	return e.store.PutImage(ctx, claim, raw, layers, names...)
}

// imageOf is the image that a container stands on, which may be gone from the references.
func (e *Engine) imageOf(c *container.Container) (*store.Image, error) {
	snap, err := e.store.Refresh()
	if err != nil {
		return nil, err
	}
	if img := snap.Image(c.Image); img != nil {
		return img, nil
	}
	img, err := e.store.Retained(c.Image)
	if err != nil {
		return nil, fmt.Errorf("the image of container %s: %w", c.Name, err)
	}
	return img, nil
}

// addUpper stores what was changed as a layer; nil if nothing was.
func (e *Engine) addUpper(ctx context.Context, claim *store.Claim, c *container.Container) (*ocispec.Descriptor, digest.Digest, error) {
	blob, diffID, err := e.writeLayer(ctx, claim, func(w io.Writer) error { return c.WriteLayer(ctx, w) })
	var name *container.NameError
	if errors.As(err, &name) {
		return nil, "", &Error{Kind: Unsupported, Subject: name.Path, Err: name, Hint: "rename it"}
	}
	return blob, diffID, err
}

// writeLayer stores the layer that write writes; nil if it has no entries.
func (e *Engine) writeLayer(ctx context.Context, claim *store.Claim, write func(io.Writer) error) (*ocispec.Descriptor, digest.Digest, error) {
	r, w := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		w.CloseWithError(write(w))
	}()
	staged, err := e.store.StageLayer(ctx, r)
	r.CloseWithError(context.Canceled)
	<-written
	if err != nil {
		return nil, "", err
	}
	defer staged.Discard()
	if staged.DiffID == emptyTar {
		return nil, "", nil
	}
	if err := staged.Commit(ctx, claim); err != nil {
		return nil, "", err
	}
	return &staged.Descriptor, staged.DiffID, nil
}

// emptyTar is the diffID of a layer without entries.
var emptyTar = digest.FromBytes(bytes.Repeat([]byte{0}, 1024))

// childConfig is the config of an image that was made of a container, with docker's keys in docker's order (moby
// image/image.go).
type childConfig struct {
	Architecture    string            `json:"architecture"`
	Author          string            `json:"author,omitempty"`
	Config          *ContainerConfig  `json:"config"`
	Container       string            `json:"container"`
	ContainerConfig *ContainerConfig  `json:"container_config"`
	Created         time.Time         `json:"created"`
	History         []ocispec.History `json:"history"`
	OS              string            `json:"os"`
	OSFeatures      []string          `json:"os.features,omitempty"`
	OSVersion       string            `json:"os.version,omitempty"`
	Parent          digest.Digest     `json:"parent"`
	RootFS          ocispec.RootFS    `json:"rootfs"`
	Variant         string            `json:"variant,omitempty"`
}

// newChild is the config, but for the layer, as docker makes it (moby image.NewChildImage).
func (e *Engine) newChild(base *store.Image, c *container.Container, req CommitRequest) (*childConfig, error) {
	parent, err := readConfig(e.store, base)
	if err != nil {
		return nil, err
	}
	own, changed := containerConfig(c), containerConfig(c)
	if err := applyChanges(&changed, req.Changes); err != nil {
		return nil, err
	}
	changed.merge(&own)
	now := time.Now().UTC()
	return &childConfig{
		Architecture: parent.Architecture, Variant: parent.Variant, OS: parent.OS, OSVersion: parent.OSVersion,
		OSFeatures: parent.OSFeatures, Author: req.Author, Config: &changed, Container: c.ID, ContainerConfig: &own,
		Created: now, Parent: base.ID,
		RootFS: ocispec.RootFS{Type: "layers", DiffIDs: slices.Clone(parent.RootFS.DiffIDs)},
		History: append(slices.Clone(parent.History), ocispec.History{
			Created: &now, Author: req.Author, Comment: req.Message, CreatedBy: strings.Join(own.Cmd, " "),
		}),
	}, nil
}
