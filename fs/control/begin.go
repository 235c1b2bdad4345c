package control

import "time"

// begin finds the job of a line that is answered again, or of a failure that is told again; or makes a new one.
func (t *jobs) begin(r request) (j *job, fresh bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if j := t.byKey[key{r.Unique, r.Index}]; j != nil {
		return j, false, nil
	}
	if j := t.pending[r.Handle]; j != nil && r.Index == 0 && j.Command == r.Command {
		again := &same{Handle: r.Handle, Unique: r.Unique}
		t.write(record{Same: again})
		t.noteSame(again)
		return j, false, nil
	}
	r.Job, r.Started = t.newest+1, time.Now()
	if err := t.write(record{Start: &r}); err != nil {
		return nil, false, err
	}
	return t.noteStart(r), true, nil
}

// noteStart adds a job. The first line of a write makes its descriptor forget what it had to tell of an earlier one.
func (t *jobs) noteStart(r request) *job {
	j := newJob(r)
	k := key{r.Unique, r.Index}
	j.keys = append(j.keys, k)
	t.newest = max(t.newest, j.number)
	t.all[j.number] = j
	t.byKey[k] = j
	if r.Index == 0 {
		delete(t.writes, r.Handle)
		delete(t.reads, r.Handle)
		delete(t.pending, r.Handle)
	}
	t.writes[r.Handle] = append(t.writes[r.Handle], j)
	return j
}

// noteSame makes the pending failure of a descriptor the outcome of another write, too.
func (t *jobs) noteSame(s *same) {
	j := t.pending[s.Handle]
	if j == nil {
		return
	}
	delete(t.pending, s.Handle)
	k := key{s.Unique, 0}
	j.keys = append(j.keys, k)
	t.byKey[k] = j
}

// noteEnd keeps failures, and forgets the oldest jobs.
func (t *jobs) noteEnd(j *job) {
	if j.ended().Errno != 0 {
		t.failures = append(t.failures, j)
		t.failures = t.failures[max(0, len(t.failures)-errorLimit):]
		if j.Index > 0 && !j.Detached {
			t.pending[j.Handle] = j
		}
	}
	for _, n := range t.numbers() {
		if len(t.all) <= jobLimit {
			return
		}
		if old := t.all[n]; old.ended() != nil {
			delete(t.all, n)
			for _, k := range old.keys {
				delete(t.byKey, k)
			}
		}
	}
}

// forget ends what a descriptor may still ask for.
func (t *jobs) forget(handle uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.writes[handle]; ok {
		t.write(record{Close: handle})
		t.noteClose(handle)
	}
}

func (t *jobs) noteClose(handle uint64) {
	delete(t.writes, handle)
	delete(t.reads, handle)
	delete(t.pending, handle)
}

// written is what the latest write of a descriptor has led to so far; ok is false if there was none.
func (t *jobs) written(handle uint64) (text []byte, ok bool) {
	t.mu.Lock()
	lines, ok := t.writes[handle]
	t.mu.Unlock()
	for _, j := range lines {
		text = append(text, j.readBack()...)
	}
	return text, ok
}

// read is how far a descriptor without a position was read.
type read struct {
	Handle   uint64
	Unique   uint64 // the number of the latest READ
	From, To int    // what it got, in bytes from the start
}

// position is where a READ begins: where the one before it ended, or, if it is answered again, where it began.
func (t *jobs) position(handle, unique uint64) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.reads[handle]
	if r.Unique == unique {
		return r.From
	}
	return r.To
}

// advance notes that a READ got n bytes. The end of the text leaves the position where it is, so that a reader gets
// what comes later.
func (t *jobs) advance(handle, unique uint64, from, n int) {
	if n == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := read{Handle: handle, Unique: unique, From: from, To: from + n}
	if r == t.reads[handle] {
		return
	}
	t.write(record{Read: &r})
	t.reads[handle] = r
}
