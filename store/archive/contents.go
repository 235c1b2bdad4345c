package archive

import (
	"context"
	"errors"
	"io/fs"
	"runtime"
	"slices"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/imagefs/imagefs/store"
)

// Contents is what was read of an archive: its images are understood and checked, and their layers are stored already or
// staged.
type Contents struct {
	store   *store.Store
	claim   *store.Claim
	source  source
	entries []named
}

// named is a manifest, or an index, and the names it is to get.
type named struct {
	names  []string   // full and normalised
	target *document  // nil if the archive has no manifests of its own
	others []document // indexes between target and the images
	images []*image
}

// document is a blob that is held in memory.
type document struct {
	desc ocispec.Descriptor
	raw  []byte
}

// image is an image of an archive.
type image struct {
	manifest document // OCI's only
	config   document
	layers   []*layerFile // base first
}

// layerFile is a layer of an image: a file of the archive, unless it is left out.
type layerFile struct {
	name   string
	diffID digest.Digest
	blob   ocispec.Descriptor // as the manifest has it; OCI's only

	staged *store.StagedLayer // nil if the store has the layer
	stored ocispec.Descriptor // the blob that the store has of it
}

// newContents takes over the claim and the source.
func newContents(ctx context.Context, s *store.Store, claim *store.Claim, src source) (*Contents, error) {
	c := &Contents{store: s, claim: claim, source: src}
	err := c.understand()
	if err == nil {
		err = c.stage(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close gives up what was not published.
func (c *Contents) Close() error {
	var errs []error
	for _, l := range c.layers() {
		if l.staged != nil {
			errs = append(errs, l.staged.Discard())
		}
	}
	return errors.Join(append(errs, c.source.close(), c.claim.Close())...)
}

// understand finds the archive's images.
func (c *Contents) understand() (err error) {
	if c.entries, err = readLayout(c.source); err != nil || len(c.entries) > 0 {
		return err
	}
	c.entries, err = readDocker(c.source)
	return err
}

// layers are those of all images, a file that several images have once.
func (c *Contents) layers() (all []*layerFile) {
	seen := make(map[*layerFile]bool)
	for _, e := range c.entries {
		for _, img := range e.images {
			for _, l := range img.layers {
				if !seen[l] {
					all = append(all, l)
				}
				seen[l] = true
			}
		}
	}
	return all
}

// stage finds or stages all layers.
func (c *Contents) stage(ctx context.Context) error {
	layers := c.layers()
	if err := c.claim.Add(ctx, c.digests(layers)...); err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, l := range layers {
		group.Go(func() error { return c.stageLayer(groupCtx, l) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var missing []digest.Digest
	for _, l := range layers {
		if l.staged == nil && l.stored.Digest == "" && !slices.Contains(missing, l.diffID) {
			missing = append(missing, l.diffID)
		}
	}
	if len(missing) > 0 {
		return &MissingError{missing}
	}
	return nil
}

// digests are those of all that is going to be published.
func (c *Contents) digests(layers []*layerFile) (all []digest.Digest) {
	for _, l := range layers {
		all = append(all, l.diffID)
		if l.blob.Digest != "" {
			all = append(all, l.blob.Digest)
		}
	}
	for _, e := range c.entries {
		for _, d := range e.documents() {
			all = append(all, d.desc.Digest)
		}
	}
	return all
}

// documents are the entry's own and those of its images.
func (e *named) documents() (all []document) {
	if e.target != nil {
		all = append(append(all, *e.target), e.others...)
	}
	for _, img := range e.images {
		all = append(all, img.config)
		if e.target != nil {
			all = append(all, img.manifest)
		}
	}
	return all
}

// stageLayer stages a layer, unless the store has it. It leaves one alone that nobody has.
func (c *Contents) stageLayer(ctx context.Context, l *layerFile) error {
	found, err := c.find(l)
	if err != nil {
		return err
	}
	switch {
	case found.Digest == "":
	case l.blob.Digest == "":
		l.stored = found
		return nil
	case c.store.HasBlob(l.blob.Digest):
		l.stored = l.blob
		return c.verifyStored(l)
	}
	staged, err := c.source.stage(ctx, l.name)
	if errors.Is(err, fs.ErrNotExist) {
		l.stored = found // the same layer, compressed otherwise, or nothing
		return nil
	}
	if err != nil {
		return err
	}
	l.staged = staged
	return l.verify()
}

// find returns a blob that the store has of a layer; none is no error.
func (c *Contents) find(l *layerFile) (ocispec.Descriptor, error) {
	desc, err := c.store.FindLayer(l.diffID)
	if errors.Is(err, store.ErrNotFound) {
		return ocispec.Descriptor{}, nil
	}
	return desc, err
}

// verify checks that what was staged is what the archive's documents promise.
func (l *layerFile) verify() error {
	if want := l.blob; want.Digest != "" && want.Digest != l.staged.Descriptor.Digest {
		return &DamagedError{l.name, &store.DigestError{What: "blob", Want: want.Digest, Got: l.staged.Descriptor.Digest}}
	}
	if l.staged.DiffID != l.diffID {
		return damaged(l.name, "invalid diffID: expected %q, got %q", l.diffID, l.staged.DiffID)
	}
	return l.verifySize(l.staged.Descriptor.Size)
}

// verifyStored checks what the archive's documents say of a blob that the store has.
func (c *Contents) verifyStored(l *layerFile) error {
	size, err := c.store.BlobSize(l.blob.Digest)
	if err != nil {
		return err
	}
	return l.verifySize(size)
}

func (l *layerFile) verifySize(size int64) error {
	if l.blob.Digest != "" && l.blob.Size != size {
		return wrongSize(l.name, size, l.blob.Size)
	}
	return nil
}
