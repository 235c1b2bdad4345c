package control

import "sync"

// kept is a text that is made anew when a reader is at its beginning, and stays as it is while it reads on.
type kept struct {
	mu   sync.Mutex // guards all below
	made bool
	text []byte
}

func (k *kept) readAt(p []byte, off int64, content func() []byte) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if off == 0 || !k.made {
		k.text, k.made = content(), true
	}
	if off >= int64(len(k.text)) {
		return 0
	}
	return copy(p, k.text[off:])
}
