package control

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// records are what [jobs.apply] makes this table of.
func (t *jobs) records() []record {
	records := []record{{Connection: t.connection}}
	for _, j := range t.known() {
		records = append(records, record{Start: &j.request})
		if e := j.ended(); e != nil {
			records = append(records, record{End: e})
		}
		for _, k := range j.keys[1:] {
			records = append(records, record{Same: &same{Handle: j.Handle, Unique: k.unique}})
		}
		if _, open := t.writes[j.Handle]; !open {
			records = append(records, record{Close: j.Handle})
		}
	}
	for _, r := range t.reads {
		records = append(records, record{Read: &r})
	}
	return records
}

// known are the jobs that something still refers to, in the order of their numbers.
func (t *jobs) known() []*job {
	set := maps.Clone(t.all)
	for _, j := range t.failures {
		set[j.number] = j
	}
	for _, lines := range t.writes {
		for _, j := range lines {
			set[j.number] = j
		}
	}
	return slices.SortedFunc(maps.Values(set), func(a, b *job) int { return cmp.Compare(a.number, b.number) })
}

// resume starts the jobs again that a predecessor ran in the background. Those whose lines were being waited for begin
// when the line is answered again, which is soon or never.
func (t *jobs) resume() {
	t.mu.Lock()
	defer t.mu.Unlock()
	var orphans []*job
	for _, j := range t.known() {
		switch {
		case j.ended() != nil:
		case j.Stream:
			t.background.Go(func() { t.finish(j, errBroken) })
		case !j.Detached:
			orphans = append(orphans, j)
		default:
			t.background.Go(func() {
				work, err := t.parse(j.request)
				if err != nil {
					t.finish(j, err)
					return
				}
				t.run(t.ctx, j, work)
			})
		}
	}
	if len(orphans) == 0 {
		return
	}
	timer := time.AfterFunc(orphanTime, func() {
		for _, j := range orphans {
			if !j.isRunning() {
				t.finish(j, errOrphan)
			}
		}
	})
	context.AfterFunc(t.ctx, func() { timer.Stop() })
}
