package store

import (
	"iter"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// manifests gives the manifests of images that desc leads to, through no more than depth indexes. Those of an index
// have its descriptor's platform.
func (v *view) manifests(desc ocispec.Descriptor, depth int) iter.Seq[ocispec.Descriptor] {
	return func(yield func(ocispec.Descriptor) bool) { v.eachManifest(desc, depth, yield) }
}

// eachManifest is manifests' loop: false if yield wants no more.
func (v *view) eachManifest(desc ocispec.Descriptor, depth int, yield func(ocispec.Descriptor) bool) bool {
	if v.numbers.byManifest[desc.Digest] != nil {
		return yield(desc)
	}
	doc := v.document(desc.Digest)
	switch {
	case doc == nil:
		return v.eachRecorded(desc.Digest, yield)
	case doc.isImage():
		return yield(desc)
	case !doc.isIndex() || depth == 0:
		return true
	}
	for _, m := range doc.Manifests {
		if !isAttestation(m) && !v.eachManifest(m, depth-1, yield) {
			return false
		}
	}
	return true
}

// eachRecorded gives the manifests that were pulled through an index that cannot be read any more.
func (v *view) eachRecorded(index digest.Digest, yield func(ocispec.Descriptor) bool) bool {
	if !v.has(index) {
		return true
	}
	for _, r := range v.numbers.images {
		if r.Index != nil && r.Index.Digest == index && !yield(r.Manifest) {
			return false
		}
	}
	return true
}

// image returns the image of a manifest, or nil if it is not complete, or not published. It is what it was when it was
// first published, under whichever manifest, as long as that is there.
func (v *view) image(manifest ocispec.Descriptor) *Image {
	r := v.numbers.byManifest[manifest.Digest]
	if r == nil {
		r = v.unrecorded(manifest)
	}
	if r == nil || !v.complete(r) {
		return nil
	}
	if first := v.numbers.images[r.ID]; first != r && v.complete(first) {
		r = first
	}
	return v.published(r)
}

// unrecorded is a published image under a manifest that another program wrote, or nil.
func (v *view) unrecorded(manifest ocispec.Descriptor) *imageRecord {
	doc := v.document(manifest.Digest)
	if doc == nil {
		return nil
	}
	r := v.numbers.images[doc.Config.Digest]
	if r == nil || len(r.Chains) != len(doc.Layers) {
		return nil
	}
	same := *r
	same.Manifest, same.Config, same.Layers = manifest, doc.Config, doc.Layers
	same.Manifest.Platform = r.Manifest.Platform
	return &same
}

// complete tells whether all blobs of an image were stored.
func (v *view) complete(r *imageRecord) bool {
	if !v.has(r.Manifest.Digest) || !v.has(r.Config.Digest) {
		return false
	}
	for _, l := range r.Layers {
		if !v.has(l.Digest) {
			return false
		}
	}
	return true
}

// published returns the image of a record, if all that is derived for it is there.
func (v *view) published(r *imageRecord) *Image {
	chains := v.chainsOf(r)
	for _, c := range chains {
		if !v.layers[c.DiffID.Encoded()] {
			return nil
		}
	}
	if !v.trees[treeName(chains)] {
		return nil
	}
	if v.made[r.ID] == nil {
		v.made[r.ID] = v.make(r, chains)
	}
	return v.made[r.ID]
}

// chainsOf returns the chains of a record, base first.
func (v *view) chainsOf(r *imageRecord) []Chain {
	chains := make([]Chain, len(r.Chains))
	for k, n := range r.Chains {
		c := v.numbers.byNumber[n]
		chains[k] = Chain{Number: c.Number, ChainID: c.ChainID, DiffID: c.DiffID}
	}
	return chains
}

// make returns the image that the last snapshot had, unless that was another.
func (v *view) make(r *imageRecord, chains []Chain) *Image {
	known := v.images[r.ID]
	if known != nil && known.Number == r.Number && known.Manifest.Digest == r.Manifest.Digest {
		return known
	}
	return &Image{
		Number: r.Number, ID: r.ID, Manifest: r.Manifest, Index: r.Index, Config: r.Config, Layers: r.Layers,
		Chains: chains, Size: r.Size, Created: r.Created,
	}
}
