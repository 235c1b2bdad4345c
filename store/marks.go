package store

import (
	digest "github.com/opencontainers/go-digest"
)

// marks is what a collection keeps, by name below ROOT.
type marks struct {
	*view
	blobs  map[string]bool
	layers map[string]bool
	trees  map[string]bool
	walked map[digest.Digest]bool
}

func newMarks(v *view) *marks {
	return &marks{
		view: v, blobs: map[string]bool{}, layers: map[string]bool{}, trees: map[string]bool{},
		walked: map[digest.Digest]bool{},
	}
}

// index marks what an index.json leads to.
func (m *marks) index(x *index) {
	for _, e := range x.entries {
		m.walk(e.desc.Digest)
	}
}

// walk marks a manifest or an index and what it leads to, however deep. What cannot be read leads where it led when it
// was published.
func (m *marks) walk(d digest.Digest) {
	if m.walked[d] || !m.has(d) {
		return
	}
	m.walked[d] = true
	m.blob(d)
	if r := m.numbers.byManifest[d]; r != nil {
		m.record(r)
		m.first(r.ID)
		return
	}
	doc := m.document(d)
	if doc == nil {
		for _, r := range m.numbers.byManifest {
			if r.Index != nil && r.Index.Digest == d {
				m.record(r)
			}
		}
		return
	}
	for _, child := range doc.Manifests {
		m.walk(child.Digest)
	}
	m.manifest(doc)
}

// manifest marks what a manifest that is in no record leads to.
func (m *marks) manifest(doc *document) {
	m.blob(doc.Config.Digest)
	for _, l := range doc.Layers {
		m.blob(l.Digest)
	}
	if !doc.isImage() || m.first(doc.Config.Digest) {
		return
	}
	c, err := m.store.readConfig(doc)
	if err != nil {
		return
	}
	chains := make([]Chain, len(c.RootFS.DiffIDs))
	for k, chainID := range c.chainIDs() {
		chains[k] = Chain{ChainID: chainID, DiffID: c.RootFS.DiffIDs[k]}
	}
	m.chains(chains)
}

// first marks what an image was when it was first published, which it stays as long as that is there. It tells whether
// the image was ever published.
func (m *marks) first(id digest.Digest) bool {
	r := m.numbers.images[id]
	if r == nil {
		return false
	}
	if m.complete(r) {
		m.record(r)
	}
	m.chains(m.chainsOf(r))
	return true
}

func (m *marks) record(r *imageRecord) {
	m.blob(r.Manifest.Digest)
	m.blob(r.Config.Digest)
	for _, l := range r.Layers {
		m.blob(l.Digest)
	}
	if r.Index != nil {
		m.blob(r.Index.Digest)
	}
	m.chains(m.chainsOf(r))
}

// chains marks the layers and trees of an image.
func (m *marks) chains(chains []Chain) {
	m.trees[treeName(chains)] = true
	for k, c := range chains {
		m.layers[c.DiffID.Encoded()] = true
		m.trees[diffName(chains[:k+1])] = true
	}
}

// blob marks a blob. What a foreign document calls a digest, and is none, is nobody's name.
func (m *marks) blob(d digest.Digest) {
	if m.has(d) {
		m.blobs[d.Encoded()] = true
	}
}

// payloads marks the blobs that have the payloads of marked layers.
func (m *marks) payloads() {
	for name := range m.layers {
		if m.view.blobs[name] && m.view.layers[name] && !isRegular(m.store.path("layers", name, "pack")) {
			m.blobs[name] = true
		}
	}
}

// claims marks what is claimed.
func (m *marks) claims(names map[string]bool) {
	for name := range names {
		m.blobs[name], m.layers[name], m.trees[name] = true, true, true
	}
}
