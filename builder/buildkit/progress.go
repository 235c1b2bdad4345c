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
		ID, Vertex     string
		Current, Total int64
		Completed      *time.Time
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

// progress makes events of what buildctl writes to its standard error. It is written to by one goroutine, and read after
// that has ended.
type progress struct {
	report func(Event)
	rest   []byte // of a line of buildctl's
	known  map[string]bool
	steps  map[string]*step // those that have begun
	ending []*step          // those that may be begun again: some are, with the same name
	failed *step            // the first that did
	said   []string         // what was no progress
}

type step struct {
	vertex
	number int
	rest   []byte // of a line of the step's
}

// maxSaid is how much of what is no progress is kept, in lines.
const maxSaid = 1000

func newProgress(report func(Event)) *progress {
	return &progress{report: report, known: map[string]bool{}, steps: map[string]*step{}}
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
		p.known[v.Digest] = true
	}
	for _, v := range s.Vertexes {
		p.see(v)
	}
	for _, one := range s.Statuses {
		if one.Completed != nil {
			p.tell(one.Vertex, transferred(one.ID, one.Current, one.Total)+"done")
		}
	}
	for _, log := range s.Logs {
		if step := p.steps[log.Vertex]; step != nil {
			p.output(step, log.Data, log.Timestamp)
		}
	}
	for _, warning := range s.Warnings {
		p.tell(warning.Vertex, "WARN: "+string(warning.Short))
	}
}

// see takes note of a step's state.
func (p *progress) see(v vertex) {
	if v.Started == nil {
		return // it may never come to it
	}
	s := p.steps[v.Digest]
	if s == nil {
		s = &step{vertex: v, number: len(p.steps) + 1}
		p.steps[v.Digest] = s
		p.send(s, Event{State: Begun})
	}
	s.vertex = v
	if v.Completed != nil {
		p.ending = append(p.ending, s)
	}
}

func (p *progress) send(s *step, e Event) {
	e.Step, e.Steps, e.Name = s.number, len(p.known), s.Name
	p.report(e)
}

// tell tells what BuildKit says of a step.
func (p *progress) tell(digest, text string) {
	if s := p.steps[digest]; s != nil {
		p.send(s, Event{State: Telling, Output: text})
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
			p.finish(s)
		}
	}
	p.ending = nil
}

func (p *progress) finish(s *step) {
	if len(s.rest) > 0 {
		p.output(s, []byte{'\n'}, *s.Completed)
	}
	e := Event{State: Done, Time: s.Completed.Sub(*s.Started)}
	switch {
	case strings.HasSuffix(s.Error, "context canceled"):
		e.State = Canceled
	case s.Error != "":
		e.State, e.Error = Failed, s.Error
		if p.failed == nil {
			p.failed = s
		}
	case s.Cached:
		e.State = Cached
	}
	p.send(s, e)
}

// output is what the step's process has written.
func (p *progress) output(s *step, data []byte, at time.Time) {
	s.rest = append(s.rest, data...)
	for {
		i := bytes.IndexByte(s.rest, '\n')
		if i < 0 {
			return
		}
		p.send(s, Event{State: Running, Output: string(s.rest[:i]), Time: at.Sub(*s.Started)})
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
