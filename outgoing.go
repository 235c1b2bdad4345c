package imagefs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
)

// outgoing is what a tag pushes.
type outgoing struct {
	target   registry.Manifest
	children []registry.Manifest  // of an index
	configs  []ocispec.Descriptor // each once
	layers   []*outgoingLayer     // each blob once, in docker's order: the topmost first
	part     bool                 // target stands for an index, of which the store has not all
}

// outgoingLayer is a layer to push.
type outgoingLayer struct {
	stored ocispec.Descriptor
	blob   ocispec.Descriptor // what is pushed: stored, or that compressed
	diffID digest.Digest      // "" if it is no layer of an image, as an attestation's
	plain  bool               // stored as a tar that is to be compressed
}

// id is docker's: of the diffID, where there is one.
func (l *outgoingLayer) id() string {
	if l.diffID == "" {
		return shortID(l.stored.Digest)
	}
	return shortID(l.diffID)
}

func (l *outgoingLayer) progress(status string, done, total int64) LayerProgress {
	return LayerProgress{ID: l.id(), Status: status, Done: done, Total: total}
}

// outgoing finds out what a reference pushes, and claims it.
func (p *push) outgoing(ctx context.Context, ref *store.Reference) (*outgoing, error) {
	target := ref.Target
	out := &outgoing{}
	if isIndex(target.MediaType) {
		complete, err := p.index(target, out)
		if err != nil {
			return nil, err
		}
		if complete {
			return out, p.claimAll(ctx, out)
		}
		out = &outgoing{part: true}
		target = ref.Images[0].Manifest
	}
	m, err := p.image(target, out)
	if err != nil {
		return nil, err
	}
	out.target = m
	for _, l := range out.layers {
		l.plain = !out.part && l.diffID != "" && gzipTypes[l.stored.MediaType] != "" && !p.isPulled(target.Digest)
	}
	return out, p.claimAll(ctx, out)
}

// index reads an index and all that it leads to, and tells whether the store has it all.
func (p *push) index(target ocispec.Descriptor, out *outgoing) (complete bool, err error) {
	m, doc, err := p.read(target)
	if err != nil {
		return false, err
	}
	out.target = m
	for _, entry := range doc.Manifests {
		if !p.store.HasBlob(entry.Digest) || !isManifest(entry.MediaType) {
			return false, nil
		}
		child, err := p.image(entry, out)
		if err != nil {
			return false, err
		}
		out.children = append(out.children, child)
	}
	for _, l := range out.layers {
		if !isForeign(l.blob) && !p.store.HasBlob(l.blob.Digest) {
			return false, nil
		}
	}
	for _, config := range out.configs {
		if !p.store.HasBlob(config.Digest) {
			return false, nil
		}
	}
	return true, nil
}

// image reads a manifest, and adds its config and layers to out.
func (p *push) image(desc ocispec.Descriptor, out *outgoing) (registry.Manifest, error) {
	m, doc, err := p.read(desc)
	if err != nil {
		return m, err
	}
	diffIDs := p.diffIDs(doc)
	for i, blob := range slices.Backward(doc.Layers) {
		l := &outgoingLayer{stored: blob, blob: blob}
		if diffIDs != nil {
			l.diffID = diffIDs[i]
		}
		if !slices.ContainsFunc(out.layers, func(other *outgoingLayer) bool { return other.stored.Digest == blob.Digest }) {
			out.layers = append(out.layers, l)
		}
	}
	if !slices.ContainsFunc(out.configs, func(other ocispec.Descriptor) bool { return other.Digest == doc.Config.Digest }) {
		out.configs = append(out.configs, *doc.Config)
	}
	return m, nil
}

// read reads a stored manifest or index.
func (p *push) read(desc ocispec.Descriptor) (registry.Manifest, document, error) {
	raw, err := p.store.Blob(desc.Digest)
	if err != nil {
		return registry.Manifest{}, document{}, err
	}
	m := registry.Manifest{Descriptor: desc, Raw: raw}
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return m, doc, invalidManifest(m, "%v", err)
	}
	if isManifest(desc.MediaType) && doc.Config == nil {
		return m, doc, invalidManifest(m, "it has no config")
	}
	return m, doc, nil
}

// diffIDs are those of a manifest's layers, or nil if it is not an image's that the store has whole.
func (p *push) diffIDs(doc document) []digest.Digest {
	img := p.snap.Image(doc.Config.Digest)
	if img == nil || len(img.Chains) != len(doc.Layers) {
		return nil
	}
	diffIDs := make([]digest.Digest, len(img.Chains))
	for i, c := range img.Chains {
		diffIDs[i] = c.DiffID
	}
	return diffIDs
}

// claimAll keeps what is pushed from being collected.
func (p *push) claimAll(ctx context.Context, out *outgoing) error {
	claimed := []digest.Digest{out.target.Descriptor.Digest}
	for _, m := range out.children {
		claimed = append(claimed, m.Descriptor.Digest)
	}
	for _, config := range out.configs {
		claimed = append(claimed, config.Digest)
	}
	for _, l := range out.layers {
		claimed = append(claimed, l.stored.Digest)
		if l.diffID != "" {
			claimed = append(claimed, l.diffID)
		}
	}
	return p.claim.Add(ctx, claimed...)
}

// compressed is the manifest to push: the target itself, if no layer was compressed for it.
func (out *outgoing) compressed() (registry.Manifest, error) {
	blobs := make(map[digest.Digest]ocispec.Descriptor)
	for _, l := range out.layers {
		if l.blob.Digest != l.stored.Digest {
			blobs[l.stored.Digest] = l.blob
		}
	}
	if len(blobs) == 0 {
		return out.target, nil
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(out.target.Raw, &manifest); err != nil {
		return out.target, invalidManifest(out.target, "%v", err)
	}
	for i, l := range manifest.Layers {
		if blob, ok := blobs[l.Digest]; ok {
			l.MediaType, l.Digest, l.Size = blob.MediaType, blob.Digest, blob.Size
			manifest.Layers[i] = l
		}
	}
	raw, err := json.Marshal(manifest)
	if err != nil {
		return out.target, fmt.Errorf("manifest %s: %w", out.target.Descriptor.Digest, err)
	}
	desc := out.target.Descriptor
	desc.Digest, desc.Size = digest.FromBytes(raw), int64(len(raw))
	return registry.Manifest{Descriptor: desc, Raw: raw}, nil
}

// isForeign tells whether a layer is to be had elsewhere only: it is not pushed.
func isForeign(blob ocispec.Descriptor) bool {
	foreign := strings.Contains(blob.MediaType, ".foreign.") || strings.Contains(blob.MediaType, ".nondistributable.")
	return foreign && len(blob.URLs) > 0
}
