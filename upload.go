package imagefs

import (
	"bufio"
	"context"
	"io"
	"slices"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/imagefs/imagefs/store"
)

const (
	uploadsAtOnce = 5 // as docker's
	maxMounts     = 3 // repositories that one blob is tried to be mounted from
)

// blobs sends the layers and configs that the registry does not have.
func (p *push) blobs(ctx context.Context, name reference.Named, out *outgoing) error {
	for _, l := range out.layers {
		p.report.Layer(l.progress(StatusPreparing, 0, l.stored.Size))
	}
	for _, l := range out.layers[min(uploadsAtOnce, len(out.layers)):] {
		p.report.Layer(l.progress(StatusQueued, 0, l.stored.Size))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(uploadsAtOnce)
	for _, l := range out.layers {
		group.Go(func() error { return p.layer(ctx, name, l) })
	}
	for _, config := range out.configs {
		group.Go(func() error { return p.config(ctx, name, config) })
	}
	return group.Wait()
}

func (p *push) layer(ctx context.Context, name reference.Named, l *outgoingLayer) error {
	if isForeign(l.blob) {
		p.report.Layer(l.progress(StatusForeign, 0, l.blob.Size))
		return nil
	}
	if l.plain {
		if err := p.compress(ctx, l); err != nil {
			return err
		}
	}
	status, err := p.offer(ctx, name, l)
	if err != nil {
		return err
	}
	if status == "" {
		if err := p.send(ctx, name, l); err != nil {
			return err
		}
		status = StatusPushed
	}
	p.report.Layer(l.progress(status, l.blob.Size, l.blob.Size))
	return nil
}

// offer finds out whether the registry has a layer already, in this repository or in another; if so, it returns what to
// say of that.
func (p *push) offer(ctx context.Context, name reference.Named, l *outgoingLayer) (status string, err error) {
	has, err := p.registry.HasBlob(ctx, name, l.blob.Digest)
	if has {
		return StatusPresent, err
	}
	if err != nil {
		return "", err
	}
	for _, from := range p.mayHave(name, l) {
		mounted, err := p.registry.MountBlob(ctx, name, from, l.blob.Digest)
		if mounted {
			return StatusMountedFrom + reference.Path(from), err
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// mayHave are other repositories of the registry that have served or taken an image with the layer.
func (p *push) mayHave(name reference.Named, l *outgoingLayer) (from []reference.Named) {
	for _, ref := range p.snap.References {
		other, err := reference.ParseNormalizedNamed(ref.Name)
		if err != nil || reference.Domain(other) != reference.Domain(name) || other.Name() == name.Name() {
			continue
		}
		other, known := reference.TrimNamed(other), isDigested(other)
		if !known || !slices.ContainsFunc(ref.Images, l.isIn) || slices.ContainsFunc(from, func(f reference.Named) bool { return f.Name() == other.Name() }) {
			continue
		}
		if from = append(from, other); len(from) == maxMounts {
			break
		}
	}
	return from
}

func isDigested(name reference.Named) bool {
	_, ok := name.(reference.Digested)
	return ok
}

// isIn tells whether an image was pulled or pushed with that very blob.
func (l *outgoingLayer) isIn(img *store.Image) bool {
	if l.plain {
		return slices.ContainsFunc(img.Chains, func(c store.Chain) bool { return c.DiffID == l.diffID })
	}
	return slices.ContainsFunc(img.Layers, func(blob ocispec.Descriptor) bool { return blob.Digest == l.blob.Digest })
}

func (p *push) send(ctx context.Context, name reference.Named, l *outgoingLayer) error {
	return p.registry.PushBlob(ctx, name, l.blob, p.source(l.blob.Digest), func(done int64) {
		p.report.Layer(l.progress(StatusPushing, done, l.blob.Size))
	})
}

func (p *push) config(ctx context.Context, name reference.Named, config ocispec.Descriptor) error {
	if has, err := p.registry.HasBlob(ctx, name, config.Digest); has || err != nil {
		return err
	}
	return p.registry.PushBlob(ctx, name, config, p.source(config.Digest), nil)
}

// source reads a stored blob.
func (p *push) source(d digest.Digest) func(context.Context, int64) (io.ReadCloser, error) {
	return func(_ context.Context, offset int64) (io.ReadCloser, error) { return openBlob(p.store, d, offset) }
}

// openBlob opens a stored blob from an offset on.
func openBlob(s *store.Store, d digest.Digest, offset int64) (io.ReadCloser, error) {
	blob, err := s.OpenBlob(d)
	if err != nil {
		return nil, err
	}
	stream := io.NewSectionReader(blob, offset, blob.Size()-offset)
	return struct {
		io.Reader
		io.Closer
	}{bufio.NewReaderSize(stream, 256<<10), blob}, nil
}
