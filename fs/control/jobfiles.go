package control

import (
	"context"
	"io/fs"
	"sync"
	"syscall"
)

// jobFiles are the names that are listed in a job's directory.
var jobFiles = []string{"command", "log", "progress", "result", "status"}

// file returns the file of a job's directory.
func (j *job) file(base string) (File, bool) {
	var content func() []byte
	switch base {
	case "command":
		content = func() []byte { return []byte(j.Verb + " " + j.Command + "\n") }
	case "log":
		content = j.logText
	case "progress":
		content = j.progress
	case "result":
		content = j.result
	case "status":
		content = func() []byte { return []byte(j.status() + "\n") }
	case "wait":
		return waitFile{j}, true
	default:
		return nil, false
	}
	return Text(0o400, content), true
}

// waitFile is read when the job has ended: it gives the result, or fails as the write would have that waited for the
// job. A job that a signal or ctl/cancel ended is ECANCELED, because readers take EINTR for their own and try again.
type waitFile struct{ job *job }

func (f waitFile) Mode() fs.FileMode   { return 0o400 }
func (f waitFile) Size() int64         { return 0 }
func (f waitFile) Stream(bool) bool    { return false }
func (f waitFile) Open(uint64) Session { return &waitSession{job: f.job, closed: make(chan struct{})} }

type waitSession struct {
	job    *job
	closed chan struct{}

	mu       sync.Mutex // guards all below
	watching bool
	wake     func()
}

func (s *waitSession) Read(ctx context.Context, c Call, p []byte, off int64) (int, error) {
	if s.job.ended() == nil && c.NonBlock {
		return 0, syscall.EAGAIN
	}
	select {
	case <-s.job.done:
	case <-ctx.Done():
		return 0, syscall.EINTR
	}
	switch e := s.job.ended(); {
	case e.Status == canceled:
		return 0, syscall.ECANCELED
	case e.Errno != 0:
		return 0, e.Errno
	}
	text := s.job.result()
	if off >= int64(len(text)) {
		return 0, nil
	}
	return copy(p, text[off:]), nil
}

func (s *waitSession) Write(context.Context, Call, []byte) (int, error) { return 0, syscall.EBADF }

func (s *waitSession) Ready(wake func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job.ended() != nil {
		return true
	}
	if wake == nil {
		return false
	}
	s.wake = wake
	if !s.watching {
		s.watching = true
		go s.watch()
	}
	return false
}

// watch ends with the job or the session.
func (s *waitSession) watch() {
	select {
	case <-s.job.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wake()
	case <-s.closed:
	}
}

func (s *waitSession) Close() { close(s.closed) }
