package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs"
)

// stepKey is what a step is known by: its text is another's, too, and the total may change.
type stepKey struct{ stage, number int }

// rawJSON reports a build's steps as `docker buildx build --progress rawjson` does: an object a line, a
// github.com/moby/buildkit/client.SolveStatus.
type rawJSON struct {
	mu    sync.Mutex // guards all below
	out   *json.Encoder
	begun map[stepKey]rawVertex
	since map[string]time.Time // when a layer's transfer was begun
}

type rawStatus struct {
	Vertexes []rawVertex   `json:"vertexes,omitempty"`
	Statuses []rawTransfer `json:"statuses,omitempty"`
	Logs     []rawLog      `json:"logs,omitempty"`
}

// rawVertex is a step.
type rawVertex struct {
	Digest    digest.Digest `json:"digest"`
	Name      string        `json:"name"`
	Started   *time.Time    `json:"started,omitempty"`
	Completed *time.Time    `json:"completed,omitempty"`
	Cached    bool          `json:"cached,omitempty"`
	Error     string        `json:"error,omitempty"`
}

// rawTransfer is a layer that is pulled.
type rawTransfer struct {
	ID        string        `json:"id"`
	Vertex    digest.Digest `json:"vertex"`
	Name      string        `json:"name"`
	Total     int64         `json:"total,omitempty"`
	Current   int64         `json:"current"`
	Timestamp time.Time     `json:"timestamp"`
	Started   time.Time     `json:"started"`
	Completed *time.Time    `json:"completed,omitempty"`
}

// rawLog is a line of output.
type rawLog struct {
	Vertex    digest.Digest `json:"vertex"`
	Stream    int           `json:"stream"`
	Data      []byte        `json:"data"`
	Timestamp time.Time     `json:"timestamp"`
}

func newRawJSON() *rawJSON {
	return &rawJSON{out: json.NewEncoder(os.Stderr), begun: map[stepKey]rawVertex{}, since: map[string]time.Time{}}
}

func (j *rawJSON) Line(string)                 {}
func (j *rawJSON) Layer(imagefs.LayerProgress) {}
func (j *rawJSON) end(error)                   {}

func (j *rawJSON) Step(r imagefs.StepReport) {
	j.mu.Lock()
	defer j.mu.Unlock()
	key := stepKey{r.Stage, r.Number}
	v, known := j.begun[key]
	switch {
	case !known:
		name := stepLabel(r.BuildStep) + r.Text
		v = rawVertex{Digest: digest.FromString(fmt.Sprint(r.Stage, name)), Name: name, Started: &r.Time}
		j.begun[key] = v
		j.write(rawStatus{Vertexes: []rawVertex{v}})
	case r.State != imagefs.StepRunning:
		v.Completed, v.Cached = &r.Time, r.State == imagefs.StepCached
		if r.Err != nil {
			v.Error = r.Err.Error()
		}
		j.write(rawStatus{Vertexes: []rawVertex{v}})
	case r.Layer.ID != "":
		j.write(rawStatus{Statuses: []rawTransfer{j.transfer(v.Digest, r)}})
	default:
		j.write(rawStatus{Logs: []rawLog{{v.Digest, 1, []byte(r.Line + "\n"), r.Time}}})
	}
}

func (j *rawJSON) transfer(step digest.Digest, r imagefs.StepReport) rawTransfer {
	id := r.Layer.ID
	if _, ok := j.since[id]; !ok {
		j.since[id] = r.Time
	}
	t := rawTransfer{
		ID: id, Vertex: step, Name: r.Layer.Status, Total: r.Layer.Total, Current: r.Layer.Done,
		Timestamp: r.Time, Started: j.since[id],
	}
	if !underWay(r.Layer.Status) {
		t.Completed = &r.Time
	}
	return t
}

// write passes on what a reader who has gone does not hear.
func (j *rawJSON) write(s rawStatus) { _ = j.out.Encode(s) }
