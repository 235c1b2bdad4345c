package names

import (
	"sync"

	"github.com/imagefs/imagefs/fs/control"
)

// handles are the open files of this server.
type handles struct {
	mu       sync.Mutex // guards sessions
	sessions map[uint64]control.Session
}

func newHandles() *handles { return &handles{sessions: make(map[uint64]control.Session)} }

func (h *handles) get(handle uint64) control.Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[handle]
}

// open opens a file, unless the handle is open.
func (h *handles) open(handle uint64, file control.File) control.Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[handle]; s != nil {
		return s
	}
	s := file.Open(handle)
	h.sessions[handle] = s
	return s
}

// put adds an open file's session.
func (h *handles) put(handle uint64, s control.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[handle] = s
}

func (h *handles) remove(handle uint64) control.Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions[handle]
	delete(h.sessions, handle)
	return s
}
