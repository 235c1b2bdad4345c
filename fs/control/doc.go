// Package control is the files that do something: ctl/ below a mount point, and what else cannot be read off the store.
// It knows nothing of FUSE: a [Tree] answers like io/fs, and hands out [File]s, whose [Session]s are open descriptors.
//
//	ctl/VERB                     write a line, get an errno; read back the words
//	ctl/errors                   the last failures
//	ctl/events                   JSON lines, blocking; not listed
//	ctl/jobs/N/command status progress log result
//	ctl/jobs/N/wait              blocks until the job has ended; not listed
//	ctl/jobs/latest              symlink to the newest job's directory, cancel's own aside
//	exports/NAME                 an archive that ctl/save asked for: made as it is read, or, compressed, a file
//	imports/NAME                 exists while it is written: an archive that is loaded meanwhile
//	search/TERM                  searches when it is read; not listed
//	search/HOST/TERM             the same, of another registry
//
// Each line that is written is a job, and so is each archive that is copied into imports. What a successor must know to
// answer for this server is in a journal: see journal.go. A [Verb] is one value: its name, its usage, and a function from
// words to work. What a verb needs of the engine is a small interface beside it.
//
// A path in a line is its writer's: see caller.go.
//
// Lock order: jobs.mu, then job.mu.
package control
