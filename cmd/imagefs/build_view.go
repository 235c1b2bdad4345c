package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/imagefs/imagefs"
)

// buildView shows a build on a terminal as BuildKit does: a line a step, below those at work what they put out last.
type buildView struct {
	out     *os.File
	colours bool
	begun   time.Time
	stop    chan struct{}
	stopped sync.WaitGroup

	mu    sync.Mutex // guards all below
	steps []*shownStep
	total int // how many steps there will be
	drawn int // how many lines stand on the terminal
}

// shownStep is a step that has begun.
type shownStep struct {
	imagefs.BuildStep
	state        imagefs.StepState
	begun, ended time.Time
	output       []string // as long as it may be shown
	layers       []imagefs.LayerProgress
}

// redraw is how long a picture stays.
const redraw = 100 * time.Millisecond

// newBuildView begins to draw. The caller calls end.
func newBuildView(out *os.File) *buildView {
	v := &buildView{out: out, colours: os.Getenv("NO_COLOR") == "", begun: time.Now(), stop: make(chan struct{})}
	v.stopped.Go(v.animate)
	return v
}

func (v *buildView) animate() {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			v.mu.Lock()
			if width, height, err := term.GetSize(int(v.out.Fd())); err == nil && len(v.steps) > 0 {
				v.draw(v.picture(now, width-1, height-1))
			}
			v.mu.Unlock()
		case <-v.stop:
			return
		}
	}
}

// Line and Layer belong to other views: Step tells the same.
func (v *buildView) Line(string)                 {}
func (v *buildView) Layer(imagefs.LayerProgress) {}

func (v *buildView) Step(r imagefs.StepReport) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.total = max(v.total, r.Steps)
	at := slices.IndexFunc(v.steps, func(s *shownStep) bool { return s.Stage == r.Stage && s.Number == r.Number })
	if at < 0 {
		v.steps = append(v.steps, &shownStep{BuildStep: r.BuildStep, state: r.State, begun: r.Time})
		return
	}
	s := v.steps[at]
	switch {
	case r.State != imagefs.StepRunning:
		s.finish(r)
	case r.Layer.ID != "":
		s.setLayer(r.Layer)
	default:
		s.output = append(s.output, r.Line)
	}
}

func (s *shownStep) finish(r imagefs.StepReport) {
	s.state, s.ended, s.layers = r.State, r.Time, nil
	if r.State != imagefs.StepFailed && s.Stage != imagefs.LastStage {
		s.output = nil
	}
}

func (s *shownStep) setLayer(p imagefs.LayerProgress) {
	at := slices.IndexFunc(s.layers, func(l imagefs.LayerProgress) bool { return l.ID == p.ID })
	if at < 0 {
		s.layers = append(s.layers, p)
		return
	}
	s.layers[at] = p
}

// end leaves the last picture as it is, and below it all that a step has put out that has failed.
func (v *buildView) end(err error) {
	close(v.stop)
	v.stopped.Wait()
	if len(v.steps) == 0 {
		return
	}
	width, _, sizeErr := term.GetSize(int(v.out.Fd()))
	if sizeErr != nil {
		return // it has gone
	}
	v.draw(v.lastPicture(time.Now(), width-1, err == nil))
	for _, s := range v.steps {
		if s.state == imagefs.StepFailed {
			s.complain(v.out)
		}
	}
}

// complain prints a step, and what it has put out.
func (s *shownStep) complain(out *os.File) {
	fmt.Fprintf(out, "------\n > %s:\n", s.title())
	for _, line := range s.output {
		fmt.Fprintln(out, printable(line))
	}
	fmt.Fprintln(out, "------")
}

// What a terminal of ECMA-48 understands.
const (
	up         = "\x1b[%dA"
	clearRight = "\x1b[K"
	clearBelow = "\x1b[J"
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
)

// draw puts lines in place of those that were drawn before. The cursor is hidden no longer than that takes.
func (v *buildView) draw(lines []string) {
	var b strings.Builder
	b.WriteString(hideCursor)
	if v.drawn > 0 {
		fmt.Fprintf(&b, up, v.drawn)
	}
	for _, line := range lines {
		b.WriteString("\r" + line + clearRight + "\n")
	}
	b.WriteString(clearBelow + showCursor)
	_, _ = v.out.WriteString(b.String()) // a terminal that has gone shows nothing
	v.drawn = len(lines)
}
