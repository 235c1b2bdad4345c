package store

import (
	"time"

	digest "github.com/opencontainers/go-digest"
)

// newRecords gives numbers to the drafts, and to their chains, that have none.
func newRecords(book *numbers, drafts []*draft, now time.Time) ([]record, error) {
	r := &recorder{
		book: book, free: book.allocator(now),
		chains: map[digest.Digest]uint32{}, images: map[digest.Digest]*imageRecord{}, manifests: map[digest.Digest]bool{},
	}
	for _, d := range drafts {
		if err := r.image(d); err != nil {
			return nil, err
		}
	}
	return r.records, nil
}

// recorder is one call of newRecords: what it has found out, and what it has to say.
type recorder struct {
	book      *numbers
	free      *allocator
	chains    map[digest.Digest]uint32
	images    map[digest.Digest]*imageRecord
	manifests map[digest.Digest]bool
	records   []record
}

// image records an image. One that is known under another manifest has the same numbers under this one.
func (r *recorder) image(d *draft) error {
	if r.book.byManifest[d.Manifest.Digest] != nil || r.manifests[d.Manifest.Digest] {
		return nil
	}
	img := d.imageRecord
	known := r.book.images[d.ID]
	if known == nil {
		known = r.images[d.ID]
	}
	if known != nil {
		img.Number, img.Chains = known.Number, known.Chains
	} else if err := r.number(&img, d); err != nil {
		return err
	}
	img.Count = uint32(1 + len(img.Layers))
	r.manifests[img.Manifest.Digest] = true
	r.images[img.ID] = &img
	r.records = append(r.records, record{Image: &img})
	return nil
}

// number gives an image its numbers, after those of its chains.
func (r *recorder) number(img *imageRecord, d *draft) (err error) {
	for k, chainID := range d.chainIDs {
		number, err := r.chain(chainRecord{ChainID: chainID, DiffID: d.diffIDs[k], Position: k})
		if err != nil {
			return err
		}
		img.Chains = append(img.Chains, number)
	}
	img.Number, err = r.free.take(1 + len(img.Layers))
	return err
}

func (r *recorder) chain(c chainRecord) (uint32, error) {
	if known := r.book.chains[c.ChainID]; known != nil {
		return known.Number, nil
	}
	if number, ok := r.chains[c.ChainID]; ok {
		return number, nil
	}
	number, err := r.free.take(1)
	if err != nil {
		return 0, err
	}
	c.Number = number
	r.chains[c.ChainID] = number
	r.records = append(r.records, record{Chain: &c})
	return number, nil
}
