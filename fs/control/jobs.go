package control

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// jobs is the table of jobs and what descriptors have done with them.
type jobs struct {
	ctx   context.Context // jobs end with it
	log   func(format string, args ...any)
	own   []string // directories in which no path of a line is
	verbs map[string]Verb

	background sync.WaitGroup // detached jobs

	mu         sync.Mutex // guards all below
	connection string
	journal    *journal
	newest     int
	all        map[int]*job      // listed
	byKey      map[key]*job      // what each line that was written became
	writes     map[uint64][]*job // by handle: the lines of its latest write
	pending    map[uint64]*job   // by handle: a failure that the next write of the same line gets
	reads      map[uint64]read   // by handle: how far its latest write's results were read, and by whom
	failures   []*job            // the last, for ctl/errors
}

// key names a line that was written: the request and its place in it.
type key struct {
	unique uint64
	index  int
}

// jobLimit is how many jobs are listed; the oldest that have ended are forgotten first.
const jobLimit = 100

// orphanTime is how long a job that a predecessor left may wait for its line to be answered again.
const orphanTime = 10 * time.Second

var errOrphan = errors.New("the server ended while the job ran, and nobody asks for it any more")

func newJobs(ctx context.Context, log func(string, ...any)) *jobs {
	return &jobs{
		ctx: ctx, log: log, verbs: make(map[string]Verb), all: make(map[int]*job), byKey: make(map[key]*job),
		writes: make(map[uint64][]*job), pending: make(map[uint64]*job), reads: make(map[uint64]read),
	}
}

// do runs a line, or finds out how it ended if it is answered again. The error is an errno.
func (t *jobs) do(ctx context.Context, r request) error {
	work, fault := t.parse(r)
	r.Detached = r.Detached && fault == nil
	j, fresh, err := t.begin(r)
	if err != nil {
		return err
	}
	switch e := j.ended(); {
	case e != nil:
		return asError(e.Errno)
	case fault != nil:
		return t.finish(j, fault)
	case j.Detached && !fresh: // resume has started it
		return nil
	}
	if err := t.meet(j, r.pid); err != nil {
		return t.finish(j, err)
	}
	if !j.Detached {
		return t.run(ctx, j, work)
	}
	t.background.Go(func() { t.run(t.ctx, j, work) })
	return nil
}

// meet makes the writer of a line known to its job, if the line may have paths.
func (t *jobs) meet(j *job, pid uint32) error {
	if !t.verbs[j.Verb].Paths {
		return nil
	}
	caller, err := callerOf(pid, t.own)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.caller = caller
	return nil
}

// parse turns a request's line into work.
func (t *jobs) parse(r request) (Work, error) {
	if r.Bytes > MaxWrite {
		return nil, invalid("", "", "a write holds at most %d bytes, not %d", MaxWrite, r.Bytes)
	}
	v, ok := t.verbs[r.Verb]
	if !ok {
		return nil, invalid("", "", "this server has no ctl/%s", r.Verb) // its predecessor had
	}
	return v.work(r.Command)
}

// run does the work and writes its end down.
func (t *jobs) run(ctx context.Context, j *job, work Work) error {
	ctx, cancel := j.start(ctx)
	defer cancel(nil)
	defer context.AfterFunc(t.ctx, func() { cancel(t.ctx.Err()) })()
	err := work(ctx, j)
	j.leave()
	return t.finish(j, err)
}

// finish ends a job, unless it has ended before. Its error is the job's errno.
func (t *jobs) finish(j *job, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := j.finish(err); e != nil {
		if t.ctx.Err() == nil || err == nil { // what was carried out is not to be run again
			t.write(record{End: e})
		}
		t.noteEnd(j)
		close(j.done)
	}
	return asError(j.ended().Errno)
}

func asError(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// get returns a listed job, or nil.
func (t *jobs) get(number int) *job {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[number]
}

// numbers are those of the listed jobs, in order.
func (t *jobs) numbers() []int { return slices.Sorted(maps.Keys(t.all)) }

// names are the entries of ctl/jobs.
func (t *jobs) names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for n, j := range t.all {
		names = append(names, strconv.Itoa(n))
		if !t.isAside(j) && !slices.Contains(names, latestJob) {
			names = append(names, latestJob)
		}
	}
	return names
}

// latest returns the newest job that is not aside, or nil.
func (t *jobs) latest() *job {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range slices.Backward(t.numbers()) {
		if j := t.all[n]; !t.isAside(j) {
			return j
		}
	}
	return nil
}

// isAside tells whether a job is no candidate for "latest"; what is no line of a verb is none.
func (t *jobs) isAside(j *job) bool {
	v, ok := t.verbs[j.Verb]
	return !ok || v.Aside
}

// last returns up to n jobs of a verb and a user, oldest first.
func (t *jobs) last(verb string, uid uint32, n int) []*job {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []*job
	for _, number := range slices.Backward(t.numbers()) {
		if j := t.all[number]; j.Verb == verb && j.UID == uid && len(found) < n {
			found = append(found, j)
		}
	}
	slices.Reverse(found)
	return found
}
