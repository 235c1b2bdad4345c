package conn

import "sync"

// freeSlots are the slots without a request. The last one put is taken first, so that few of them ever use memory.
type freeSlots struct {
	mu       sync.Mutex // guards what follows
	some     *sync.Cond // slots is not empty
	slots    []*slot
	blocking int // requests in the other slots that may block

	limit int // of blocking; the slots beyond it are for requests that do not block
}

func newFreeSlots(all []*slot) *freeSlots {
	f := &freeSlots{limit: len(all) - min(8, len(all)/4)}
	f.some = sync.NewCond(&f.mu)
	for _, s := range all {
		if r := s.request(); r == nil {
			f.slots = append(f.slots, s)
		} else {
			f.use(r)
		}
	}
	return f
}

// take waits for a slot.
func (f *freeSlots) take() *slot {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.slots) == 0 {
		f.some.Wait()
	}
	last := len(f.slots) - 1
	s := f.slots[last]
	f.slots = f.slots[:last]
	return s
}

// use tells which request the slot that was taken is for. It returns false if too many requests may block.
func (f *freeSlots) use(r request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !r.mayBlock() {
		return true
	}
	f.blocking++
	return f.blocking <= f.limit
}

// put gives back the slot in which r was answered.
func (f *freeSlots) put(s *slot, r request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.mayBlock() {
		f.blocking--
	}
	f.slots = append(f.slots, s)
	f.some.Signal()
}
