package layer

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

func (a *archive) put(i item) error {
	if a.batch.full() {
		if err := a.flush(); err != nil {
			return err
		}
	}
	a.batch.take(i)
	return nil
}

func (a *archive) flush() error {
	if err := send(a.ctx, a.out, a.batch); err != nil {
		return err
	}
	return a.nextBatch()
}

func (a *archive) nextBatch() error {
	b, _, err := receive(a.ctx, a.spare)
	if err != nil {
		return err
	}
	if b == nil {
		b = &batch{data: make([]byte, 0, bufferSize)}
	}
	b.data, b.items = b.data[:0], b.items[:0]
	a.batch = b
	return nil
}
