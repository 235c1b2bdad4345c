package layer

import (
	"math"
	"os"
	"slices"
	"sync"
)

const (
	// maxHandles is how many large files a layer keeps open.
	maxHandles = 64
	// blobHandle stands for the blob of a layer InBlob; no payload has this number.
	blobHandle = math.MaxUint32
)

// handles keeps files open, the most recently used one last. A file may be closed while another goroutine reads it: that
// one gets os.ErrClosed then, and looks for it again.
type handles struct {
	mu   sync.Mutex // guards open
	open []handle
}

type handle struct {
	payload uint32
	file    *os.File
}

// find returns the open file of a payload, or nil.
func (h *handles) find(payload uint32) *os.File {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.touch(payload)
}

// touch is find with mu held.
func (h *handles) touch(payload uint32) *os.File {
	for i, found := range h.open {
		if found.payload != payload {
			continue
		}
		copy(h.open[i:], h.open[i+1:])
		h.open[len(h.open)-1] = found
		return found.file
	}
	return nil
}

// add takes over f as the file of a payload, and returns the one to use: somebody may have added another meanwhile.
func (h *handles) add(payload uint32, f *os.File) *os.File {
	h.mu.Lock()
	defer h.mu.Unlock()
	if other := h.touch(payload); other != nil {
		f.Close()
		return other
	}
	if len(h.open) == maxHandles {
		h.open[0].file.Close()
		h.open = slices.Delete(h.open, 0, 1)
	}
	h.open = append(h.open, handle{payload, f})
	return f
}

func (h *handles) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.open {
		c.file.Close()
	}
	h.open = nil
}
