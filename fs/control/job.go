package control

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/fs/errno"
)

// What a job's status file says.
const (
	running  = "running"
	done     = "done"
	failed   = "failed"
	canceled = "canceled"
)

// errStopped is why a job ends that was named to ctl/cancel.
var errStopped = errors.New("canceled by ctl/cancel")

// request is a line that asks for a job. It is in the journal.
type request struct {
	Job      int `json:"job"` // its number, from 1
	Verb     string
	Command  string
	UID      uint32
	Handle   uint64 // the descriptor it was written to
	Unique   uint64 // the number of the WRITE
	Index    int    // of the line in that write
	Bytes    int    // of that write
	Detached bool
	Stream   bool // not a line, but an archive in imports/
	Started  time.Time

	pid uint32 // of the writer, as long as it waits
}

// ending is how a job ended. It is in the journal.
type ending struct {
	Job                  int `json:"job"`
	Errno                syscall.Errno
	Status               string
	Lines, Log           []string
	Layers               []layer
	Cause, Subject, Hint string
	Ended                time.Time
}

// job is a line at work, or one that has ended. It is its work's [imagefs.Reporter].
type job struct {
	request
	number int
	again  bool          // a predecessor ran it
	done   chan struct{} // closed at the end

	mu      sync.Mutex // guards all below
	keys    []key
	cancel  context.CancelCauseFunc // nil if this server does not run it
	caller  *caller                 // nil if the verb has no paths, or a successor runs it again in the background
	stopped bool
	lines   []string
	log     []string
	layers  []layer
	end     *ending
}

func newJob(r request) *job {
	return &job{request: r, number: r.Job, done: make(chan struct{})}
}

func (j *job) name() string { return strconv.Itoa(j.number) }

// Line takes a line of the result.
func (j *job) Line(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, text)
	j.log = append(j.log, text)
}

// Open opens a path of the line.
func (j *job) Open(path string) (*os.File, error) {
	j.mu.Lock()
	caller := j.caller
	j.mu.Unlock()
	if caller == nil {
		return nil, &imagefs.Error{
			Kind: imagefs.Internal, Subject: path, Err: errors.New("the server ended while the job ran, and the line's writer is gone"),
			Hint: "write the line again",
		}
	}
	return caller.open(path)
}

// Again implements [Job].
func (j *job) Again() bool { return j.again }

// leave ends what the work needed of the line's writer.
func (j *job) leave() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.caller != nil {
		j.caller.close()
		j.caller = nil
	}
}

// start makes the job's context; a job that was stopped before has one that has ended.
func (j *job) start(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cancel = cancel
	if j.stopped {
		cancel(errStopped)
	}
	return ctx, cancel
}

// stop ends the job's context. It tells whether this server runs the job.
func (j *job) stop() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stopped = true
	if j.cancel == nil {
		return false
	}
	j.cancel(errStopped)
	return true
}

// isRunning tells whether this server runs the job, or has.
func (j *job) isRunning() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.cancel != nil
}

// finish notes the end. It returns nil if the job has ended before.
func (j *job) finish(err error) *ending {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.end != nil {
		return nil
	}
	e := &ending{
		Job: j.number, Status: done, Lines: j.lines, Log: j.log, Layers: slices.Clone(j.layers), Ended: time.Now(), Errno: errno.Of(err),
	}
	if err != nil {
		e.describe(err, j.stopped)
	}
	j.end = e
	return e
}

func (e *ending) describe(err error, stopped bool) {
	e.Status, e.Cause = failed, cause(err)
	var fault *imagefs.Error
	if errors.As(err, &fault) {
		e.Subject, e.Hint = fault.Subject, fault.Hint
	}
	if imagefs.KindOf(err) == imagefs.Canceled || errors.Is(err, errStopped) {
		e.Status = canceled
		if stopped {
			e.Errno, e.Cause = syscall.ECANCELED, errStopped.Error()
		}
	}
}

// cause is why a job failed, without hints; of a joined error a line for each.
func cause(err error) string {
	var fault *imagefs.Error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var causes []string
		for _, err := range joined.Unwrap() {
			causes = append(causes, cause(err))
		}
		return strings.Join(causes, "\nerror: ")
	}
	if errors.As(err, &fault) {
		return fault.Err.Error()
	}
	return err.Error()
}

// ended returns the end, or nil.
func (j *job) ended() *ending {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end
}

// restore takes the end from the journal. It tells whether the job had none.
func (j *job) restore(e *ending) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.end != nil {
		return false
	}
	j.end, j.lines, j.log, j.layers = e, e.Lines, e.Log, e.Layers
	close(j.done)
	return true
}

func (j *job) status() string {
	if e := j.ended(); e != nil {
		return e.Status
	}
	return running
}

// changed is when the job last changed its status.
func (j *job) changed() time.Time {
	if e := j.ended(); e != nil {
		return e.Ended
	}
	return j.Started
}

// result is docker's own lines, and why it failed. There is none before the end.
func (j *job) result() []byte {
	e := j.ended()
	if e == nil {
		return nil
	}
	text := joinLines(e.Lines)
	if e.Status != done {
		text = fmt.Appendf(text, "error: %s", e.Cause)
		if e.Hint != "" {
			text = fmt.Appendf(text, " (%s)", e.Hint)
		}
		text = append(text, '\n')
	}
	return text
}

// readBack is what the descriptor reads that wrote the line.
func (j *job) readBack() []byte {
	if j.Detached {
		return fmt.Appendln(nil, j.number)
	}
	return j.result()
}

func (j *job) logText() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return joinLines(j.log)
}

func joinLines(lines []string) []byte {
	if len(lines) == 0 {
		return nil
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}
