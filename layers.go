package imagefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/imagefs/imagefs/store"
)

// layersAtOnce limits how many layers of a pull are under way. It is above the registry client's limit on downloads, so
// that unpacking what is downloaded keeps no download waiting.
const layersAtOnce = 8

// remoteLayer is a layer and what it must unpack to.
type remoteLayer struct {
	blob   ocispec.Descriptor
	diffID digest.Digest
}

// layers stores the layers of images, all at once. As docker, it says nothing of the stored layers of an image that the
// store has.
func (p *pull) layers(ctx context.Context, ref reference.Named, images []remoteImage, snap *store.Snapshot, report Reporter) error {
	var missing []remoteLayer
	seen := make(map[digest.Digest]digest.Digest)
	for _, img := range images {
		known := snap.Image(img.doc.Config.Digest) != nil
		for i, blob := range img.doc.Layers {
			l := remoteLayer{blob, img.config.RootFS.DiffIDs[i]}
			if seen[blob.Digest] == l.diffID {
				continue
			}
			seen[blob.Digest] = l.diffID
			stored := p.hasLayer(l)
			switch {
			case !stored:
				report.Layer(l.progress(StatusWaiting, 0))
				missing = append(missing, l)
			case !known:
				report.Layer(l.progress(StatusExists, blob.Size))
			}
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(layersAtOnce)
	for _, l := range missing {
		group.Go(func() error { return p.layer(ctx, ref, l, report) })
	}
	return group.Wait()
}

func (p *pull) hasLayer(l remoteLayer) bool {
	if !p.store.HasBlob(l.blob.Digest) || !p.store.HasLayer(l.diffID) {
		return false
	}
	_, err := p.store.Layer(l.diffID)
	return err == nil
}

func (p *pull) layer(ctx context.Context, ref reference.Named, l remoteLayer, report Reporter) error {
	source := func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		return p.registry.Blob(ctx, ref, l.blob, offset)
	}
	progress := func(done int64) {
		if done < l.blob.Size {
			report.Layer(l.progress(StatusDownloading, done))
			return
		}
		report.Layer(l.progress(StatusDownloaded, done))
	}
	err := p.store.IngestLayer(ctx, l.blob, l.diffID, source, progress)
	if err != nil {
		return layerError(l, err)
	}
	report.Layer(l.progress(StatusComplete, l.blob.Size))
	return nil
}

func (l remoteLayer) progress(status string, done int64) LayerProgress {
	return LayerProgress{ID: l.blob.Digest.Encoded()[:12], Status: status, Done: done, Total: l.blob.Size}
}

// layerError says which layer failed; of a wrong digest, in docker's words.
func layerError(l remoteLayer, err error) error {
	var mismatch *store.DigestError
	if errors.As(err, &mismatch) {
		return fmt.Errorf("filesystem layer verification failed for digest %s: %w", l.blob.Digest, err)
	}
	return blobError("layer", l.blob.Digest, err)
}

// blobError says which blob of a manifest failed. One that the registry does not have, although its manifest promises
// it, and one that a decompressor refuses (its error is neither the network's nor the system's) are of kind Corrupt.
func blobError(what string, d digest.Digest, err error) error {
	var errno syscall.Errno
	err = fmt.Errorf("%s %s: %w", what, d, err)
	switch kind := KindOf(err); {
	case kind == NotFound, kind == Internal && !errors.As(err, &errno):
		return &Error{Kind: Corrupt, Subject: d.String(), Err: err, Hint: hints[Corrupt]}
	}
	return err
}
