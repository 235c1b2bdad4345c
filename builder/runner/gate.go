package runner

import (
	"bytes"
	"os"
	"sync"
)

// gate holds standard error back until it is open: of a process that did not run runc complains there, and in its log.
type gate struct {
	mu     sync.Mutex // guards the rest
	isOpen bool
	held   bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isOpen {
		return os.Stderr.Write(p)
	}
	return g.held.Write(p)
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.isOpen {
		_, _ = g.held.WriteTo(os.Stderr) // whose reader may be gone
		g.isOpen = true
	}
}
