package imagefs

import (
	"fmt"
	"sync"

	digest "github.com/opencontainers/go-digest"
)

// transcript is what a build tells of a stage, or of an image that stages need. Whoever is at work writes it, and a
// teller reads it when its turn has come.
type transcript struct {
	ended chan struct{} // closed at the end
	more  chan struct{} // holds a value if something was said since said was taken

	mu   sync.Mutex // guards said
	said []func(*teller)
}

func newTranscript() transcript {
	return transcript{ended: make(chan struct{}), more: make(chan struct{}, 1)}
}

func (t *transcript) add(say func(*teller)) {
	t.mu.Lock()
	t.said = append(t.said, say)
	t.mu.Unlock()
	select {
	case t.more <- struct{}{}:
	default:
	}
}

func (t *transcript) take() []func(*teller) {
	t.mu.Lock()
	defer t.mu.Unlock()
	said := t.said
	t.said = nil
	return said
}

func (t *transcript) end() { close(t.ended) }

// Line and Layer implement [Reporter].
func (t *transcript) Line(text string) {
	t.add(func(to *teller) { to.report.Line(text) })
}

func (t *transcript) Layer(p LayerProgress) {
	t.add(func(to *teller) { to.report.Layer(p) })
}

// instruction says which one comes next.
func (t *transcript) instruction(text string) {
	t.add(func(to *teller) { to.instruction(text) })
}

// step says that a step has what it makes; known tells that the cache had it before the build.
func (t *transcript) step(key digest.Digest, known bool) {
	t.add(func(to *teller) { to.cached(key, known) })
}

// teller tells what is in the transcripts of a build as if its stages were carried out one after the other, in the
// Dockerfile's order: docker's classic lines.
type teller struct {
	report      Reporter
	step, steps int // the number of the instruction; of how many
	told        map[*transcript]bool
	keys        map[digest.Digest]bool // of the steps that were told
	failed      error                  // of the stage that was told last: there is no more to tell
}

func newTeller(report Reporter, steps int) *teller {
	return &teller{report: report, steps: steps, told: map[*transcript]bool{}, keys: map[digest.Digest]bool{}}
}

// tell tells a transcript that was not told, as it is written, to its end.
func (t *teller) tell(script *transcript) {
	if t.told[script] {
		return
	}
	t.told[script] = true
	for ended := false; ; {
		for _, say := range script.take() {
			if t.failed == nil {
				say(t)
			}
		}
		if ended || t.failed != nil {
			return
		}
		select {
		case <-script.more:
		case <-script.ended:
			ended = true // once what was said last is told
		}
	}
}

// tellStage tells of a stage. After one that has failed, nothing is told.
func (t *teller) tellStage(run *stageRun) {
	if t.failed == nil {
		t.tell(&run.transcript)
	}
	if t.failed == nil {
		t.failed = run.failed
	}
}

// include tells of a stage where another comes to need it, if it has no turn of its own.
func (t *teller) include(run *stageRun) {
	if !run.planned && !t.told[&run.transcript] {
		t.steps += run.stage.Steps()
	}
	t.tellStage(run)
}

func (t *teller) instruction(text string) {
	t.step++
	t.report.Line(fmt.Sprintf("Step %d/%d : %s", t.step, t.steps, text))
}

// cached tells whether a step is in the cache when its turn comes.
func (t *teller) cached(key digest.Digest, known bool) {
	if known || t.keys[key] {
		t.report.Line(" ---> Using cache")
	}
	t.keys[key] = true
}
