package names

import (
	"maps"
	"sync"

	"github.com/imagefs/imagefs/fs/control"
)

// handles are the open files of this server.
type handles struct {
	mu       sync.Mutex                        // guards all below, and is not held while a file is opened
	sessions map[uint64]func() control.Session // the first to ask opens the file
	nodes    map[uint64]control.Statter        // the latest of each node
}

func newHandles() *handles {
	return &handles{sessions: make(map[uint64]func() control.Session), nodes: make(map[uint64]control.Statter)}
}

func (h *handles) get(handle uint64) control.Session {
	h.mu.Lock()
	session := h.sessions[handle]
	h.mu.Unlock()
	if session == nil {
		return nil
	}
	return session()
}

// open opens a file, unless the handle is open or is being opened.
func (h *handles) open(handle uint64, file control.File) control.Session {
	h.mu.Lock()
	session := h.sessions[handle]
	if session == nil {
		session = sync.OnceValue(func() control.Session { return file.Open(handle) })
		h.sessions[handle] = session
	}
	h.mu.Unlock()
	return session()
}

// describe has a node be described by an open file's session, once its name is gone.
func (h *handles) describe(node uint64, s control.Session) {
	if s, ok := s.(control.Statter); ok {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.nodes[node] = s
	}
}

// put adds an open file's session.
func (h *handles) put(handle uint64, s control.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[handle] = func() control.Session { return s }
}

// at returns the session of an open file that can describe itself, by its node.
func (h *handles) at(node uint64) (control.Statter, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.nodes[node]
	return s, ok
}

func (h *handles) remove(handle uint64) control.Session {
	s := h.get(handle)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, handle)
	maps.DeleteFunc(h.nodes, func(_ uint64, of control.Statter) bool { return any(of) == any(s) })
	return s
}
