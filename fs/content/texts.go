package content

import (
	"sync"
	"weak"

	"github.com/imagefs/imagefs/store"
)

// textsSize is how many bytes of generated files stay in memory, twice: those used lately, and those used before.
const textsSize = 1 << 20

// texts keeps generated files between the request that tells their size and those that read them.
type texts struct {
	mu     sync.Mutex // guards what follows
	recent map[uint64]made
	older  map[uint64]made
	size   int // bytes of recent
}

// made is what came of a snapshot.
type made struct {
	of   weak.Pointer[store.Snapshot]
	data []byte
}

// get returns the content of node id as of snap, or any that was generated if snap is nil. Where there is none,
// generate makes it, and says of which snapshot.
func (t *texts) get(id uint64, snap *store.Snapshot, generate func() (*store.Snapshot, []byte, error)) ([]byte, error) {
	if m, ok := t.lookup(id); ok && (snap == nil || m.of.Value() == snap) {
		return m.data, nil
	}
	of, data, err := generate()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add(id, made{weak.Make(of), data})
	return data, nil
}

func (t *texts) lookup(id uint64) (made, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m, ok := t.recent[id]; ok {
		return m, true
	}
	m, ok := t.older[id]
	if ok {
		t.add(id, m)
	}
	return m, ok
}

// add is called with mu held.
func (t *texts) add(id uint64, m made) {
	if t.recent == nil || t.size > textsSize {
		t.recent, t.older, t.size = make(map[uint64]made), t.recent, 0
	}
	t.size += len(m.data) - len(t.recent[id].data)
	t.recent[id] = m
}
