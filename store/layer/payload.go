package layer

import (
	"context"
	"crypto/sha256"
	"hash"
	"hash/crc32"
)

// batch is a run of entries with their payloads, in the order of the archive.
type batch struct {
	data  []byte
	items []item
}

// item is an entry. If its payload goes over several batches, it is one item in each of them.
type item struct {
	record record
	size   int64 // of the whole payload
	length int   // of the part that is in this batch
	last   bool
	digest [32]byte // of the whole payload, set by the hasher in the last item
}

// maxItems keeps a batch of empty files small.
const maxItems = 1024

func newBatches() chan *batch {
	spare := make(chan *batch, 2*inFlight)
	for range cap(spare) {
		spare <- nil
	}
	return spare
}

func (b *batch) full() bool { return len(b.items) == maxItems || len(b.data) == cap(b.data) }

// room returns where up to n bytes of payload go, empty if b is full.
func (b *batch) room(n int64) []byte {
	if b.full() {
		return nil
	}
	return b.data[len(b.data):min(int64(cap(b.data)), int64(len(b.data))+n)]
}

// take adds an item whose bytes are in the room already.
func (b *batch) take(i item) {
	b.items = append(b.items, i)
	b.data = b.data[:len(b.data)+i.length]
}

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
