package store

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Snapshot is the store at one moment. It never changes; its slices and maps must not be written to.
type Snapshot struct {
	References []Reference // sorted by Name
	Images     []*Image    // complete and published images, sorted by Number

	index  *index
	byID   map[digest.Digest]*Image
	chains func() map[uint32]chainOf
}

type chainOf struct {
	image    *Image
	position int
}

// newSnapshot makes a snapshot of references, which are sorted, and images by ID.
func newSnapshot(x *index, references []Reference, byID map[digest.Digest]*Image) *Snapshot {
	images := slices.AppendSeq(make([]*Image, 0, len(byID)), maps.Values(byID))
	slices.SortFunc(images, func(a, b *Image) int { return cmp.Compare(a.Number, b.Number) })
	s := &Snapshot{References: references, Images: images, index: x, byID: byID}
	s.chains = sync.OnceValue(s.mapChains)
	return s
}

// equal tells whether two snapshots that one store loaded, one after the other, say the same: entries and images that did
// not change are the same pointers.
func (s *Snapshot) equal(o *Snapshot) bool {
	return slices.Equal(s.index.entries, o.index.entries) && slices.Equal(s.Images, o.Images) &&
		slices.EqualFunc(s.References, o.References, func(a, b Reference) bool { return slices.Equal(a.Images, b.Images) })
}

func (s *Snapshot) mapChains() map[uint32]chainOf {
	chains := map[uint32]chainOf{}
	for _, img := range s.Images {
		for k, c := range img.Chains {
			if chains[c.Number].image == nil {
				chains[c.Number] = chainOf{img, k}
			}
		}
	}
	return chains
}

// Image returns the image with that ID (config digest), or nil.
func (s *Snapshot) Image(id digest.Digest) *Image { return s.byID[id] }

// Reference returns the reference with exactly that full name, or nil.
func (s *Snapshot) Reference(name string) *Reference {
	i, ok := slices.BinarySearchFunc(s.References, name, func(r Reference, name string) int {
		return cmp.Compare(r.Name, name)
	})
	if !ok {
		return nil
	}
	return &s.References[i]
}

// ImageByNumber returns the image that number belongs to (its own, or that of one of its layers' diffs), or nil.
func (s *Snapshot) ImageByNumber(n uint32) *Image {
	i, ok := slices.BinarySearchFunc(s.Images, n, func(img *Image, n uint32) int { return cmp.Compare(img.Number, n) })
	if ok {
		return s.Images[i]
	}
	if i == 0 || n-s.Images[i-1].Number > uint32(len(s.Images[i-1].Layers)) {
		return nil
	}
	return s.Images[i-1]
}

// ChainByNumber returns the chain with that number and an image that has it, or nil.
func (s *Snapshot) ChainByNumber(n uint32) (*Image, *Chain) {
	c, ok := s.chains()[n]
	if !ok {
		return nil, nil
	}
	return c.image, &c.image.Chains[c.position]
}

// Reference is a name for a manifest or an image index.
type Reference struct {
	// Name is full and normalised: host/path:tag or host/path@digest.
	Name   string
	Target ocispec.Descriptor // as in index.json, without what gives it the name
	// Updated is when the name was last given to another target; the zero time if another program wrote it.
	Updated time.Time
	// Images are the complete images Target leads to: one for a manifest; for an index one a platform that was pulled,
	// the host's platform (or else the first that was pulled) first. Empty for a reference whose blobs are missing.
	Images []*Image
}

// Image is one complete image.
type Image struct {
	// Number is the image's own; Number+1+k is that of its layer k's diff. Never given to another image.
	Number   uint32
	ID       digest.Digest      // of the config
	Manifest ocispec.Descriptor // with Platform set
	// Index is the image index the image was first pulled through, or nil.
	Index   *ocispec.Descriptor
	Config  ocispec.Descriptor
	Layers  []ocispec.Descriptor // the blobs, base first; as many as Chains
	Chains  []Chain              // base first
	Size    int64                // sum of the regular files of all layers in bytes, as docker counts it
	Created time.Time            // of the config; the zero time if it has none
}

// digests are those of all that the image consists of: what a claim needs.
func (img *Image) digests() []digest.Digest {
	all := []digest.Digest{img.Manifest.Digest, img.Config.Digest}
	for k, l := range img.Layers {
		all = append(all, l.Digest, img.Chains[k].DiffID)
	}
	if img.Index != nil {
		all = append(all, img.Index.Digest)
	}
	return all
}

// Chain is the stack of layers from the base up to one of them.
type Chain struct {
	Number  uint32
	ChainID digest.Digest // as the OCI image specification computes it
	DiffID  digest.Digest // of its topmost layer
}
