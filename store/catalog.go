package store

import (
	"cmp"
	"errors"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// catalog is what snapshots are made of, and what one load leaves for the next: blobs are immutable, so what was parsed
// once stays parsed.
type catalog struct {
	index     *index
	state     fileState // of index.json
	numbers   numbers
	documents map[digest.Digest]*document
	images    map[digest.Digest]*Image // by ID
	listed    struct{ blobs, layers, trees listing }
	seen      *view // what the last load saw; nil before the first
}

// Snapshot returns the store as it is now, as far as this process knows: see [Store.Refresh].
func (s *Store) Snapshot() *Snapshot { return s.current.Load() }

// Refresh reads index.json again if it changed, and returns the store as it is now.
func (s *Store) Refresh() (*Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, err := stateOfPath(s.path(ocispec.ImageIndexFile))
	if err != nil {
		return nil, err
	}
	book, err := stateOfPath(s.path("numbers"))
	if err != nil {
		return nil, err
	}
	if state == s.catalog.state && book == s.catalog.numbers.state {
		return s.current.Load(), nil
	}
	snap, _, err := s.load()
	return snap, err
}

// reload is Refresh that looks at everything, whether index.json changed or not. It also returns what it has seen.
func (s *Store) reload() (*Snapshot, *view, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load()
}

// load makes the snapshot of what is on disk. index.json is read first: what its references need was written before it.
func (s *Store) load() (*Snapshot, *view, error) {
	file, err := s.catalog.readIndex(s.path(ocispec.ImageIndexFile))
	if err != nil {
		return nil, nil, err
	}
	var x *index
	var g errgroup.Group
	g.Go(func() (err error) { x, err = file.parse(); return err })
	g.Go(func() error { return s.catalog.numbers.refresh(s.path("numbers")) })
	v, err := s.view()
	if err := errors.Join(g.Wait(), err); err != nil {
		return nil, nil, err
	}
	v.book = s.catalog.numbers.state
	v.leads = make(map[digest.Digest][]*Image, len(s.catalog.numbers.byManifest))
	v.made = make(map[digest.Digest]*Image, len(s.catalog.numbers.images))
	s.renew()
	if x == s.catalog.index && s.catalog.seen.same(v) {
		return s.current.Load(), s.catalog.seen, nil
	}
	return s.take(v, x, v.snapshot(x), file.state), v, nil
}

// take has the snapshot of index.json, which is in that state, with what v has seen, be the current one.
func (s *Store) take(v *view, x *index, snap *Snapshot, state fileState) *Snapshot {
	if last := s.current.Load(); last != nil && last.equal(snap) {
		snap = last
	}
	s.catalog.index, s.catalog.state, s.catalog.seen = x, state, v
	s.catalog.documents, s.catalog.images = v.documents, snap.byID
	s.current.Store(snap)
	return snap
}

// readIndex reads index.json, unless it is in the state that it was read in.
func (c *catalog) readIndex(path string) (*indexFile, error) {
	state, err := stateOfPath(path)
	if err != nil {
		return nil, err
	}
	if c.index != nil && state == c.state {
		return &indexFile{state: state, known: c.index}, nil
	}
	return readIndex(path, c.index)
}

// renew drops what is open of layers that were collected and have come back: they may have been unpacked of another blob.
func (s *Store) renew() {
	if s.layers.dropReplaced(s.layerIndex) {
		s.trees.keep(nil)
	}
}

// view is a catalog together with what was on disk at one moment.
type view struct {
	*catalog
	store     *Store
	blobs     map[string]bool // hex digits
	layers    map[string]bool
	trees     map[string]bool
	documents map[digest.Digest]*document // those this view has met
	leads     map[digest.Digest][]*Image  // where a manifest or index leads, once known
	made      map[digest.Digest]*Image    // by ID
	book      fileState                   // of ROOT/numbers
}

// same tells whether another view would lead to the same images, from the same index.json. A document that could not be
// read is read again.
func (v *view) same(o *view) bool {
	if v == nil || v.book != o.book || !maps.Equal(v.blobs, o.blobs) || !maps.Equal(v.layers, o.layers) || !maps.Equal(v.trees, o.trees) {
		return false
	}
	for d, doc := range v.documents {
		if doc == nil && v.has(d) {
			return false
		}
	}
	return true
}

func (s *Store) view() (*view, error) {
	v := &view{catalog: &s.catalog, store: s, documents: map[digest.Digest]*document{}}
	for _, set := range []struct {
		names *map[string]bool
		known *listing
		dir   string
		wants func(os.DirEntry) bool
	}{
		{&v.blobs, &s.catalog.listed.blobs, s.path(ocispec.ImageBlobsDir, "sha256"), isFile},
		{&v.layers, &s.catalog.listed.layers, s.path("layers"), os.DirEntry.IsDir},
		{&v.trees, &s.catalog.listed.trees, s.path("trees"), isFile},
	} {
		if err := set.known.refresh(set.dir, set.wants); err != nil {
			return nil, err
		}
		*set.names = set.known.names
	}
	return v, nil
}

func isFile(e os.DirEntry) bool { return e.Type().IsRegular() }

func (v *view) snapshot(x *index) *Snapshot {
	type reference struct {
		*entry
		images []*Image
	}
	named, listed := make([]reference, 0, len(x.entries)), make(map[digest.Digest]*Image, len(v.numbers.images))
	for _, e := range x.entries {
		images := v.lead(e.desc, nesting)
		for _, img := range images {
			listed[img.ID] = img
		}
		if e.name != "" {
			named = append(named, reference{e, images})
		}
	}
	slices.SortStableFunc(named, func(a, b reference) int { return cmp.Compare(a.name, b.name) })
	named = slices.CompactFunc(named, func(a, b reference) bool { return a.name == b.name }) // the first in the file counts
	references := make([]Reference, len(named))
	for i, r := range named {
		references[i] = Reference{Name: r.name, Target: r.desc, Updated: r.updated, Images: r.images}
	}
	return newSnapshot(x, references, listed)
}

// nesting is how many indexes may follow one another below index.json.
const nesting = 2

// lead returns the images that desc leads to, in the order of Reference.Images.
func (v *view) lead(desc ocispec.Descriptor, depth int) []*Image {
	if found, ok := v.leads[desc.Digest]; ok {
		return found
	}
	var found []*Image
	for m := range v.manifests(desc, depth) {
		img := v.image(m)
		if img != nil && !slices.Contains(found, img) {
			found = append(found, img)
		}
	}
	slices.SortFunc(found, func(a, b *Image) int {
		if a, b := isHost(a.Manifest.Platform), isHost(b.Manifest.Platform); a != b {
			if a {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Number, b.Number)
	})
	v.leads[desc.Digest] = found
	return found
}

func isHost(p *ocispec.Platform) bool {
	return p != nil && p.OS == runtime.GOOS && p.Architecture == runtime.GOARCH
}

// document returns the manifest or index d, or nil where it is missing, damaged or neither of them.
func (v *view) document(d digest.Digest) *document {
	if doc, ok := v.documents[d]; ok {
		return doc
	}
	var doc *document
	if v.has(d) {
		doc = v.catalog.documents[d]
	}
	if v.has(d) && doc == nil {
		doc, _ = v.store.readDocument(d) // whoever reads the blob gets the error
	}
	v.documents[d] = doc
	return doc
}

// has tells whether the blob d was stored. What is no digest is nobody's name.
func (v *view) has(d digest.Digest) bool {
	hex, ok := strings.CutPrefix(string(d), "sha256:")
	return ok && v.blobs[hex]
}
