package buildkit

import (
	"fmt"
	"time"
)

// Event is what has become of a step: first that it has begun, then what it puts out, and last how it has ended.
type Event struct {
	Step   int    // its number, from 1, in the order in which they begin
	Steps  int    // how many there are, as far as that is known
	Name   string // as "[2/3] RUN make"
	State  State
	Output string // a line, without its newline, of one that is Running
	Error  string // of one that has Failed
	// Time is how long the step has taken, or, of what its process puts out, since when it is at work.
	Time time.Duration
}

// State is a step's.
type State uint8

// The states of a step. Telling is one that is Running, whose output is not its process's but BuildKit's.
const (
	Begun State = iota
	Running
	Telling
	Cached
	Done
	Failed
	Canceled
)

// String is the event as `buildctl --progress plain` shows it. An error may have several lines.
func (e Event) String() string {
	text := e.Name
	switch e.State {
	case Running:
		text = fmt.Sprintf("%.3f %s", e.Time.Seconds(), e.Output)
	case Telling:
		text = e.Output
	case Cached:
		text = "CACHED"
	case Done:
		text = fmt.Sprintf("DONE %.1fs", e.Time.Seconds())
	case Failed:
		text = "ERROR: " + e.Error
	case Canceled:
		text = "CANCELED"
	}
	return fmt.Sprintf("#%d %s", e.Step, text)
}
