package layer

import (
	"context"
	"crypto/sha256"
	"hash"
	"hash/crc32"
)

// hasher computes digests and checksums, and completes the records with them.
type hasher struct {
	inBlob  bool
	records section
	digests section
	sums    section

	// Of the payload under way:
	digest hash.Hash
	blocks blockSums
	crc    uint32 // if it is one block
	first  uint32 // number of its first checksum
	begun  bool

	scratch []byte
}

func (h *hasher) init(dir string, inBlob bool) {
	h.inBlob = inBlob
	h.records.dir, h.digests.dir, h.sums.dir = dir, dir, dir
	h.digest = sha256.New()
	h.blocks.out = &h.sums
}

func (h *hasher) run(ctx context.Context, in <-chan *batch, out chan<- *batch) error {
	for {
		b, ok, err := receive(ctx, in)
		if err != nil {
			return err
		}
		if !ok {
			close(out)
			return nil
		}
		h.batch(b)
		if err := send(ctx, out, b); err != nil {
			return err
		}
	}
}

func (h *hasher) batch(b *batch) {
	data := b.data
	for i := range b.items {
		it := &b.items[i]
		if it.size > 0 {
			h.part(it, data[:it.length])
			data = data[it.length:]
		}
		if it.last {
			h.scratch = it.record.append(h.scratch[:0])
			h.records.Write(h.scratch)
		}
	}
}

// part hashes one part of a payload.
func (h *hasher) part(it *item, p []byte) {
	if !h.begun {
		h.begun, h.crc, h.first = true, 0, uint32(h.sums.size/4)
		h.digest.Reset()
	}
	h.digest.Write(p)
	switch {
	case h.inBlob:
	case it.size <= blockSize:
		h.crc = crc32.Update(h.crc, crc32.MakeTable(crc32.Castagnoli), p)
	default:
		h.blocks.write(p)
	}
	if it.last {
		h.finish(it)
	}
}

func (h *hasher) finish(it *item) {
	h.begun = false
	h.blocks.end()
	it.record.sum = h.first
	if it.size <= blockSize {
		it.record.sum = h.crc
	}
	h.digest.Sum(it.digest[:0])
	h.digests.Write(it.digest[:])
}

func (h *hasher) close() {
	h.records.close()
	h.digests.close()
	h.sums.close()
}
