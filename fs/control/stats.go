package control

import "fmt"

// Stats counts jobs, in Prometheus' text format.
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
	return fmt.Appendf(text, "# TYPE imagefs_jobs_running gauge\nimagefs_jobs_running %d\n", unfinished)
}
