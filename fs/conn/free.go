package conn

import "sync"

// freeSlots are the slots without a request. The last one put is taken first, so that few of them ever use memory.
type freeSlots struct {
	mu    sync.Mutex // guards slots
	some  *sync.Cond // slots is not empty
	slots []*slot
}

func newFreeSlots() *freeSlots {
	f := &freeSlots{}
	f.some = sync.NewCond(&f.mu)
	return f
}

func (f *freeSlots) put(s *slot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slots = append(f.slots, s)
	f.some.Signal()
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

func (f *freeSlots) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.slots)
}
