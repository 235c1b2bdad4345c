package store

import (
	"context"
	"errors"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Adopt unpacks and publishes the complete images that are in the layout but not yet (or no longer) unpacked: those that
// another program wrote, and those whose derived files were deleted. Images it cannot unpack are left out and
// their errors joined.
func (s *Store) Adopt(ctx context.Context) error {
	found, before, err := s.orphans()
	if len(found) == 0 || err != nil {
		return err
	}
	claim, err := s.Claim()
	if err != nil {
		return err
	}
	defer claim.Close()
	var good []Publication
	var drafts []*draft
	var errs []error
	for _, p := range found {
		if err := ctx.Err(); err != nil {
			return err
		}
		d, err := s.adopt(ctx, claim, p)
		if err != nil {
			errs = append(errs, fmt.Errorf("image %s: %w", p.Manifests[0].Digest, err))
			continue
		}
		good, drafts = append(good, p), append(drafts, d)
	}
	if len(good) > 0 {
		_, err := s.commit(ctx, before, changes(good), drafts)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// adopt makes all that is derived for the one image of p.
func (s *Store) adopt(ctx context.Context, claim *Claim, p Publication) (*draft, error) {
	if err := s.unpackAll(ctx, claim, p.Manifests[0]); err != nil {
		return nil, err
	}
	return s.prepare(ctx, claim, p.Target, p.Manifests[0])
}

// orphans returns the complete images that are not published, one a publication that changes no name, and the snapshot
// without them.
func (s *Store) orphans() ([]Publication, *Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap, v, err := s.load()
	if err != nil {
		return nil, nil, err
	}
	var found []Publication
	seen := map[string]bool{}
	for _, e := range s.catalog.index.entries {
		for m := range v.manifests(e.desc, nesting) {
			if seen[m.Digest.String()] || !v.isOrphan(m) {
				continue
			}
			seen[m.Digest.String()] = true
			found = append(found, Publication{Target: e.desc, Manifests: []ocispec.Descriptor{m}})
		}
	}
	return found, snap, nil
}

// isOrphan tells whether all blobs of a manifest are there, and no image of it is.
func (v *view) isOrphan(manifest ocispec.Descriptor) bool {
	doc := v.document(manifest.Digest)
	if doc == nil || !v.complete(&imageRecord{Manifest: manifest, Config: doc.Config, Layers: doc.Layers}) {
		return false
	}
	return v.image(manifest) == nil
}

// unpackAll unpacks the layers of a manifest whose blobs are stored.
func (s *Store) unpackAll(ctx context.Context, claim *Claim, manifest ocispec.Descriptor) error {
	doc, err := s.readDocument(manifest.Digest)
	if err != nil {
		return err
	}
	c, err := s.readConfig(doc)
	if err != nil {
		return err
	}
	if err := claim.Add(ctx, c.RootFS.DiffIDs...); err != nil {
		return err
	}
	for k, l := range doc.Layers {
		if err := s.IngestLayer(ctx, l, c.RootFS.DiffIDs[k], nil, nil); err != nil {
			return fmt.Errorf("layer %d: %w", k, err)
		}
	}
	return nil
}
