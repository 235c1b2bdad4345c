package store

import (
	"context"
	"fmt"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/tree"
)

// Publication is what one pull, load or build adds.
type Publication struct {
	// Name, full and normalised, is given to Target; empty to keep Target without a name. A name with a tag also gives
	// Target the name repository@digest, which it keeps when the tag moves on.
	Name string
	// Target is the manifest, or the index that leads to Manifests.
	Target ocispec.Descriptor
	// Manifests are the images' own, with their Platform where it is known; their blobs, configs and layers are stored.
	Manifests []ocispec.Descriptor
}

// Publish merges the images' trees, gives them numbers, and writes the references, all at once, last. Publishing what is
// published already changes nothing. It returns the images, in the order of Manifests.
func (s *Store) Publish(ctx context.Context, p ...Publication) ([]*Image, error) {
	claim, err := s.Claim()
	if err != nil {
		return nil, err
	}
	defer claim.Close()
	before := s.Snapshot()
	var drafts []*draft
	for _, pub := range p {
		if err := checkName(pub.Name, pub.Target.Digest); err != nil {
			return nil, err
		}
		if err := claim.Add(ctx, pub.Target.Digest); err != nil {
			return nil, err
		}
		if !s.HasBlob(pub.Target.Digest) {
			return nil, fmt.Errorf("publish %s: blob %s: %w", pub.Name, pub.Target.Digest, ErrNotFound)
		}
		for _, m := range pub.Manifests {
			d, err := s.prepare(ctx, claim, pub.Target, m)
			if err != nil {
				return nil, fmt.Errorf("publish image %s: %w", m.Digest, err)
			}
			drafts = append(drafts, d)
		}
	}
	snap, err := s.commit(ctx, before, changes(p), drafts)
	if err != nil {
		return nil, err
	}
	images := make([]*Image, len(drafts))
	for i, d := range drafts {
		if images[i] = snap.Image(d.ID); images[i] == nil {
			return nil, fmt.Errorf("image %s: %w any more", d.ID, ErrNotFound)
		}
	}
	return images, nil
}

// checkName refuses what is not a full name with a tag, or with target as its digest.
func checkName(name string, target digest.Digest) error {
	if name == "" {
		return nil
	}
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return fmt.Errorf("reference %q: %w", name, err)
	}
	if named.String() != name {
		return fmt.Errorf("reference %q is not normalised: %s", name, named)
	}
	if d, ok := named.(reference.Digested); ok && d.Digest() != target {
		return &DigestError{What: "target of " + name, Want: d.Digest(), Got: target}
	}
	return nil
}

// draft is an image on its way to become published: the record that it gets if it has none.
type draft struct {
	imageRecord
	diffIDs  []digest.Digest
	chainIDs []digest.Digest
}

// prepare reads what an image consists of, claims it, and merges its tree.
func (s *Store) prepare(ctx context.Context, claim *Claim, target, manifest ocispec.Descriptor) (*draft, error) {
	if err := claim.Add(ctx, manifest.Digest); err != nil {
		return nil, err
	}
	doc, err := s.readDocument(manifest.Digest)
	if err != nil {
		return nil, err
	}
	if !doc.isImage() {
		return nil, &UnsupportedError{MediaType: doc.Config.MediaType}
	}
	c, err := s.readConfig(doc)
	if err != nil {
		return nil, err
	}
	d := &draft{diffIDs: c.RootFS.DiffIDs, chainIDs: c.chainIDs()}
	d.ID, d.Config, d.Layers = doc.Config.Digest, doc.Config, doc.Layers
	d.Created = c.created()
	d.Manifest = unnamed(manifest)
	if d.Manifest.Platform == nil {
		d.Manifest.Platform = &c.Platform
	}
	if target.Digest != manifest.Digest {
		index := unnamed(target)
		d.Index = &index
	}
	if err := claim.add(ctx, d.claimed()); err != nil {
		return nil, err
	}
	return d, s.mergeTree(d)
}

// claimed are the names below ROOT of what the image needs.
func (d *draft) claimed() []string {
	names := []string{d.Config.Digest.Encoded(), noLayers}
	for k, l := range d.Layers {
		names = append(names, l.Digest.Encoded(), d.diffIDs[k].Encoded(), d.chainIDs[k].Encoded())
	}
	return names
}

// mergeTree stores an image's tree, and finds out its size.
func (s *Store) mergeTree(d *draft) error {
	for _, l := range d.Layers {
		if !s.HasBlob(l.Digest) {
			return fmt.Errorf("blob %s: %w", l.Digest, ErrNotFound)
		}
	}
	chains := make([]Chain, len(d.diffIDs))
	for k, diffID := range d.diffIDs {
		chains[k] = Chain{ChainID: d.chainIDs[k], DiffID: diffID}
		if !s.hasLayer(diffID) { // an open one may be gone from the disk
			return fmt.Errorf("layer %s: %w", diffID, ErrNotFound)
		}
		l, err := s.Layer(diffID)
		if err != nil {
			return err
		}
		d.Size += l.Size()
	}
	layers, err := s.stack(chains)
	if err != nil {
		return err
	}
	return s.ensureTree(treeName(chains), layers, tree.Build)
}

// commit gives the drafts numbers where they have none, and makes the changes. It returns the state after that; before is
// that before the drafts were prepared.
func (s *Store) commit(ctx context.Context, before *Snapshot, changes []Change, drafts []*draft) (*Snapshot, error) {
	lock, err := acquire(ctx, s.path("lock"), nil)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	_, v, err := s.reload()
	if err != nil {
		return nil, err
	}
	planned, err := s.plan(v, before, changes, drafts)
	if err != nil {
		return nil, err
	}
	return s.apply(v, planned)
}

// changes are those that publications make.
func changes(p []Publication) []Change {
	var all []Change
	for _, pub := range p {
		for _, name := range names(pub) {
			all = append(all, Change{Name: name, Target: &pub.Target})
		}
	}
	return all
}

// names returns the names a publication's target gets.
func names(p Publication) []string {
	named, err := reference.ParseNormalizedNamed(p.Name)
	if err != nil {
		return []string{""}
	}
	if _, ok := named.(reference.Digested); ok {
		return []string{p.Name}
	}
	byDigest, err := reference.WithDigest(reference.TrimNamed(named), p.Target.Digest)
	if err != nil {
		return []string{p.Name}
	}
	return []string{p.Name, byDigest.String()}
}
