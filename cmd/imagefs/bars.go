package main

import (
	"fmt"
	"io"
	"sync"

	units "github.com/docker/go-units"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/imagefs/imagefs"
)

// bars reports on a terminal: a bar for each layer, in docker's words.
type bars struct {
	out io.Writer

	mu       sync.Mutex    // guards all below
	progress *mpb.Progress // nil while no layer is under way
	layers   map[string]*layerBar
}

type layerBar struct {
	bar *mpb.Bar

	mu    sync.Mutex // guards state; taken after bars.mu
	state imagefs.LayerProgress
}

// Line is printed above the bars while there are any; docker prints none then, but the first.
func (b *bars) Line(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	fmt.Fprintln(b.out, text)
}

func (b *bars) Layer(p imagefs.LayerProgress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.progress == nil {
		b.progress = mpb.New(mpb.WithOutput(b.out), mpb.WithWidth(64))
		b.layers = make(map[string]*layerBar)
	}
	l := b.layers[p.ID]
	if l == nil {
		l = b.add(p)
		b.layers[p.ID] = l
	}
	l.set(p)
}

func (b *bars) end(error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
}

// settle leaves the bars as they are.
func (b *bars) settle() {
	if b.progress == nil {
		return
	}
	for _, l := range b.layers {
		l.bar.Abort(false) // one that is complete stays so
	}
	b.progress.Wait()
	b.progress, b.layers = nil, nil
}

func (b *bars) add(p imagefs.LayerProgress) *layerBar {
	l := &layerBar{state: p}
	l.bar = b.progress.New(max(p.Total, 1), mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"),
		mpb.BarFillerClearOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return l.status() })),
		mpb.AppendDecorators(decor.OnComplete(decor.Any(func(decor.Statistics) string { return l.sizes() }), "")),
	)
	return l
}

func (l *layerBar) set(p imagefs.LayerProgress) {
	l.mu.Lock()
	l.state = p
	l.mu.Unlock()
	total, more := max(p.Total, 1), underWay(p.Status)
	l.bar.SetTotal(total, !more)
	if more {
		// A bar that is full is complete for mpb; of a layer there is more to come then.
		l.bar.SetCurrent(min(p.Done, total-1))
	}
}

// underWay tells whether there is more to come of a layer, in docker's words.
func underWay(status string) bool {
	switch status {
	case imagefs.StatusWaiting, imagefs.StatusDownloaded, imagefs.StatusPreparing, imagefs.StatusQueued, savingStatus:
		return true
	}
	return moves[status]
}

func (l *layerBar) status() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%s: %s ", l.state.ID, l.state.Status)
}

func (l *layerBar) sizes() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf(" %s/%s", units.HumanSize(float64(l.state.Done)), units.HumanSize(float64(l.state.Total)))
}
