// Package control is the files that do something: ctl/ below a mount point, and what else cannot be read off the store.
// It knows nothing of FUSE: a [Tree] answers like io/fs, and hands out [File]s, whose [Session]s are open descriptors.
//
//	ctl/pull, ctl/cancel         a verb each: write a line, get an errno; read back the words
//	ctl/errors                   the last failures
//	ctl/events                   JSON lines, blocking; not listed
//	ctl/jobs/N/command status progress log result
//	ctl/jobs/N/wait              blocks until the job has ended; not listed
//	ctl/jobs/latest              symlink to the newest job's directory, cancel's own aside
//
// Each line that is written is a job. What a successor must know to answer for this server is in a journal: see
// journal.go. A [Verb] is one value: its name, its usage, and a function from words to work.
//
// Lock order: jobs.mu, then job.mu.
package control
