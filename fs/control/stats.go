package control

import "fmt"

// Stats counts jobs and readers of events, in Prometheus' text format.
func (t *Tree) Stats() []byte {
	t.jobs.mu.Lock()
	defer t.jobs.mu.Unlock()
	unfinished := 0
	for _, j := range t.jobs.all {
		if j.ended() == nil {
			unfinished++
		}
	}
	text := fmt.Appendf(nil, "# TYPE imagefs_jobs_total counter\nimagefs_jobs_total %d\n", t.jobs.newest)
	text = fmt.Appendf(text, "# TYPE imagefs_jobs_running gauge\nimagefs_jobs_running %d\n", unfinished)
	return fmt.Appendf(text, "# TYPE imagefs_event_readers gauge\nimagefs_event_readers %d\n", t.events.Readers())
}
