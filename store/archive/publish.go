package archive

import (
	"context"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// Loaded is what one entry of an archive has become.
type Loaded struct {
	Names  []string       // full; none if the archive has none
	Images []*store.Image // one; or of an index one a platform
}

// Publish stores the layers and publishes the images. OCI manifests stay what they are, so that digests do; where the store
// has a layer in another form than an image's manifest says, it keeps that form, and the image gets a manifest of it.
func (c *Contents) Publish(ctx context.Context) ([]Loaded, error) {
	for _, l := range c.layers() {
		if err := c.commit(ctx, l); err != nil {
			return nil, err
		}
	}
	loaded := make([]Loaded, len(c.entries))
	var whole []int
	for i := range c.entries {
		e := &c.entries[i]
		loaded[i].Names = e.names
		if e.isIntact() {
			whole = append(whole, i)
			continue
		}
		images, err := c.put(ctx, e)
		if err != nil {
			return nil, err
		}
		loaded[i].Images = images
	}
	return loaded, c.publish(ctx, whole, loaded)
}

// PublishAs publishes the image that the archive has, which is its only one, under other names than the archive's, full and
// normalised. It gets a manifest as if it had been made here.
func (c *Contents) PublishAs(ctx context.Context, names ...string) (*store.Image, error) {
	if len(c.entries) != 1 || len(c.entries[0].images) != 1 {
		return nil, damaged("", "it does not have one image")
	}
	for _, l := range c.layers() {
		if err := c.commit(ctx, l); err != nil {
			return nil, err
		}
	}
	images, err := c.put(ctx, &named{names: names, images: c.entries[0].images})
	if err != nil {
		return nil, err
	}
	return images[0], nil
}

func (c *Contents) commit(ctx context.Context, l *layerFile) error {
	if l.staged == nil {
		return nil
	}
	if err := l.staged.Commit(ctx, c.claim); err != nil {
		return err
	}
	l.stored = l.staged.Descriptor
	return nil
}

// isIntact tells whether the archive's own manifests can be published: the store has all they name.
func (e *named) isIntact() bool {
	if e.target == nil {
		return false
	}
	for _, img := range e.images {
		for _, l := range img.layers {
			if l.stored.Digest != l.blob.Digest {
				return false
			}
		}
	}
	return true
}

// put publishes an entry's images with manifests that are made for them. The names are the first's.
func (c *Contents) put(ctx context.Context, e *named) (images []*store.Image, err error) {
	names := e.names
	for _, img := range e.images {
		var layers []ocispec.Descriptor
		for _, l := range img.layers {
			layers = append(layers, l.stored)
		}
		stored, err := c.store.PutImage(ctx, c.claim, img.config.raw, layers, names...)
		if err != nil {
			return nil, err
		}
		images, names = append(images, stored), nil
	}
	return images, nil
}

// publish publishes the entries with those numbers as they are, all at once.
func (c *Contents) publish(ctx context.Context, entries []int, loaded []Loaded) error {
	var publications []store.Publication
	for _, i := range entries {
		e := &c.entries[i]
		for _, d := range e.documents() {
			if err := c.store.PutBlob(d.desc.Digest, d.raw); err != nil {
				return err
			}
		}
		var manifests []ocispec.Descriptor
		for _, img := range e.images {
			manifests = append(manifests, img.manifest.desc)
		}
		for _, name := range orUnnamed(e.names) {
			publications = append(publications, store.Publication{Name: name, Target: e.target.desc, Manifests: manifests})
		}
	}
	images, err := c.store.Publish(ctx, publications...)
	if err != nil {
		return err
	}
	for _, i := range entries {
		n := len(c.entries[i].images)
		loaded[i].Images = slices.Clone(images[:n]) // the same for each name
		images = images[n*len(orUnnamed(c.entries[i].names)):]
	}
	return nil
}

func orUnnamed(names []string) []string {
	if len(names) == 0 {
		return []string{""}
	}
	return names
}
