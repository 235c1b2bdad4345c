package imagefs

import (
	"context"
	"encoding/json"
	"io"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// ImportRequest is what `docker import` is asked for.
type ImportRequest struct {
	Source   io.Reader // a tar of a root file system, which may be compressed with gzip or zstd
	From     string    // where Source came from, for the history; "" for "-"
	Ref      string    // "" for an image without a name
	Changes  []string  // instructions, as of a Dockerfile
	Message  string
	Platform string // os/arch[/variant]; "" for the host's
}

// Import makes an image of one layer. Its line is the new image's ID.
func (e *Engine) Import(ctx context.Context, req ImportRequest, report Reporter) (*store.Image, error) {
	draft, names, err := newImport(req)
	if err != nil {
		return nil, err
	}
	claim, err := e.store.Claim()
	if err != nil {
		return nil, err
	}
	defer claim.Close()
	blob, diffID, err := e.store.AddLayer(ctx, claim, req.Source)
	if err != nil {
		return nil, err
	}
	draft.RootFS.DiffIDs = []digest.Digest{diffID}
	raw, err := json.Marshal(draft)
	if err != nil {
		return nil, err
	}
	img, err := e.store.PutImage(ctx, claim, raw, []ocispec.Descriptor{blob}, names...)
	if err != nil {
		return nil, err
	}
	report.Line(img.ID.String())
	for _, name := range names {
		e.events.image("tag", img, familiar(name))
	}
	e.events.image("import", img, "")
	return img, nil
}

// newConfig is the config of an image that is made here, in the order in which docker writes it.
type newConfig struct {
	Architecture string            `json:"architecture"`
	Variant      string            `json:"variant,omitempty"`
	Author       string            `json:"author,omitempty"`
	Comment      string            `json:"comment,omitempty"`
	Config       *ContainerConfig  `json:"config"`
	Created      time.Time         `json:"created"`
	History      []ocispec.History `json:"history"`
	OS           string            `json:"os"`
	RootFS       ocispec.RootFS    `json:"rootfs"`
}

// newImport checks what is asked for, before anything is read. A name is what the image is to be called.
func newImport(req ImportRequest) (*newConfig, []string, error) {
	platform, _, err := parsePlatform(req.Platform)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	if req.Ref != "" {
		name, err := tagName(req.Ref)
		if err != nil {
			return nil, nil, err
		}
		names = []string{name.String()}
	}
	c := &ContainerConfig{}
	if err := applyChanges(c, req.Changes); err != nil {
		return nil, nil, err
	}
	if req.From == "" {
		req.From = "-"
	}
	if req.Message == "" {
		req.Message = "Imported from " + req.From
	}
	now := time.Now().UTC()
	return &newConfig{
		Architecture: platform.Architecture, Variant: platform.Variant, OS: platform.OS,
		Comment: req.Message, Config: c, Created: now,
		History: []ocispec.History{{Created: &now, Comment: req.Message}},
		RootFS:  ocispec.RootFS{Type: "layers"},
	}, names, nil
}
