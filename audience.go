package imagefs

import (
	"slices"
	"sync"
)

// audience is a [Reporter] for many: whoever joins late is told what was said before, of each layer only the latest.
type audience struct {
	mu        sync.Mutex // guards all below, and keeps reports in order
	reporters []*seat
	said      []report
	layers    map[string]int // the position in said of what is known of a layer
}

type seat struct{ Reporter }

// report is a line or, if its ID is set, a layer's state.
type report struct {
	line  string
	layer LayerProgress
}

func (r report) to(reporter Reporter) {
	if r.layer.ID == "" {
		reporter.Line(r.line)
		return
	}
	reporter.Layer(r.layer)
}

// join adds a reporter, which may be nil; it is told nothing after leave has returned.
func (a *audience) join(r Reporter) (leave func()) {
	if r == nil {
		return func() {}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, old := range a.said {
		old.to(r)
	}
	s := &seat{r}
	a.reporters = append(a.reporters, s)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.reporters = slices.DeleteFunc(a.reporters, func(other *seat) bool { return other == s })
	}
}

func (a *audience) Line(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said = append(a.said, report{line: text})
	a.tell(report{line: text})
}

func (a *audience) Layer(p LayerProgress) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i, ok := a.layers[p.ID]; ok {
		a.said[i].layer = p
	} else {
		if a.layers == nil {
			a.layers = make(map[string]int)
		}
		a.layers[p.ID] = len(a.said)
		a.said = append(a.said, report{layer: p})
	}
	a.tell(report{layer: p})
}

func (a *audience) tell(r report) {
	for _, s := range a.reporters {
		r.to(s.Reporter)
	}
}
