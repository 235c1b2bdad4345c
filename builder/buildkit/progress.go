package buildkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// status is a line of `buildctl --progress rawjson`: what has become of some of the build's steps
// (https://github.com/moby/buildkit/blob/master/client/graph.go).
type status struct {
	Vertexes []vertex
	Statuses []struct {
		ID                 string
		Vertex             string
		Current, Total     int64
		Started, Completed *time.Time
	}
	Logs []struct {
		Vertex    string
		Data      []byte
		Timestamp time.Time
	}
	Warnings []struct {
		Vertex string
		Short  []byte
	}
}

// vertex is a step.
type vertex struct {
	Digest, Name, Error string
	Started, Completed  *time.Time
	Cached              bool
}

// progress makes lines of what buildctl writes to its standard error. It is written to by one goroutine, and read after
// that has ended.
type progress struct {
	line   func(string)
	rest   []byte // of a line of buildctl's
	steps  map[string]*step
	ending []*step  // those that may be begun again: some are, with the same name
	failed *step    // the first that did
	said   []string // what was no progress
}

type step struct {
	vertex
	number int
	begun  bool
	rest   []byte // of a line of the step's
}

// maxSaid is how much of what is no progress is kept, in lines.
const maxSaid = 1000

func newProgress(line func(string)) *progress {
	return &progress{line: line, steps: map[string]*step{}}
}

func (p *progress) Write(data []byte) (int, error) {
	p.rest = append(p.rest, data...)
	for {
		i := bytes.IndexByte(p.rest, '\n')
		if i < 0 {
			return len(data), nil
		}
		p.take(p.rest[:i])
		p.rest = p.rest[i+1:]
	}
}

// end is called after the last Write.
func (p *progress) end() {
	if len(p.rest) > 0 {
		p.take(p.rest)
	}
	p.close(nil)
}

func (p *progress) failure() error {
	e := parseError(p.said)
	if p.failed != nil {
		e.Step = p.failed.Name
	}
	return e
}

func (p *progress) take(line []byte) {
	var s status
	if len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &s) != nil {
		if len(p.said) < maxSaid {
			p.said = append(p.said, string(line))
		}
		return
	}
	p.close(s.Vertexes)
	for _, v := range s.Vertexes {
		p.see(v)
	}
	for _, one := range s.Statuses {
		if one.Completed != nil {
			p.of(one.Vertex).tell(p, transferred(one.ID, one.Current, one.Total)+"done")
		}
	}
	for _, log := range s.Logs {
		p.of(log.Vertex).output(p, log.Data, log.Timestamp)
	}
	for _, warning := range s.Warnings {
		p.of(warning.Vertex).tell(p, "WARN: "+string(warning.Short))
	}
}

// of finds a step.
func (p *progress) of(digest string) *step {
	s := p.steps[digest]
	if s == nil {
		s = &step{number: len(p.steps) + 1}
		p.steps[digest] = s
	}
	return s
}

// see takes note of a step's state.
func (p *progress) see(v vertex) {
	if v.Started == nil {
		return // it may never come to it
	}
	s := p.of(v.Digest)
	s.vertex = v
	if !s.begun {
		s.begun = true
		s.tell(p, v.Name)
	}
	if v.Completed != nil {
		p.ending = append(p.ending, s)
	}
}

// close tells of the steps that have ended, unless they are among those that come now.
func (p *progress) close(now []vertex) {
	for _, s := range p.ending {
		again := false
		for _, v := range now {
			again = again || v.Digest == s.Digest
		}
		if !again && s.Completed != nil {
			s.close(p)
		}
	}
	p.ending = nil
}

func (s *step) close(p *progress) {
	if len(s.rest) > 0 {
		s.tell(p, string(s.rest))
		s.rest = nil
	}
	switch {
	case strings.HasSuffix(s.Error, "context canceled"):
		s.tell(p, "CANCELED")
	case s.Error != "":
		if p.failed == nil {
			p.failed = s
		}
		s.tell(p, "ERROR: "+s.Error)
	case s.Cached:
		s.tell(p, "CACHED")
	default:
		s.tell(p, fmt.Sprintf("DONE %.1fs", s.Completed.Sub(*s.Started).Seconds()))
	}
}

func (s *step) tell(p *progress, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		p.line(fmt.Sprintf("#%d %s", s.number, line))
	}
}

// output is what the step's process has written, with the time since the step began.
func (s *step) output(p *progress, data []byte, at time.Time) {
	s.rest = append(s.rest, data...)
	for {
		i := bytes.IndexByte(s.rest, '\n')
		if i < 0 {
			return
		}
		seconds := 0.0
		if s.Started != nil {
			seconds = at.Sub(*s.Started).Seconds()
		}
		p.line(fmt.Sprintf("#%d %.3f %s", s.number, seconds, s.rest[:i]))
		s.rest = s.rest[i+1:]
	}
}

// transferred is how BuildKit shows a transfer: what, and how much of it.
func transferred(id string, current, total int64) string {
	switch {
	case total > 0:
		return fmt.Sprintf("%s %d / %d bytes ", id, current, total)
	case current > 0:
		return fmt.Sprintf("%s %d bytes ", id, current)
	}
	return id + " "
}
