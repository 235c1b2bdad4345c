package control

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// imports is imports/: what is written to a file that is made there is loaded as it comes. The file is not listed, and
// gone when it is closed.
type imports struct {
	engine Loader
	jobs   *jobs

	mu      sync.Mutex // guards streams
	streams map[string]*stream
}

func newImports(l Loader, jobs *jobs) *imports {
	return &imports{engine: l, jobs: jobs, streams: make(map[string]*stream)}
}

func (i *imports) names() []string   { return nil }
func (i *imports) isDir(string) bool { return false }

func (i *imports) find(name string) (File, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if s := i.streams[name]; s != nil {
		return s, true
	}
	return nil, false
}

// errBroken is why the archive is not loaded that was written to a server which has ended.
var errBroken = errors.New("the server ended while the archive was written")

// create makes a file, which is also its only session. handle is the number of its request.
func (i *imports) create(name string, handle uint64, uid uint32) (*stream, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.streams[name] != nil {
		return nil, syscall.EBUSY
	}
	j, fresh, err := i.jobs.begin(request{
		Verb: "load", Command: strconv.Quote("imports/" + name), UID: uid, Handle: handle, Unique: handle, Stream: true,
	})
	if err != nil {
		return nil, err
	}
	if !fresh {
		return nil, syscall.EIO // it was made by a server that has ended
	}
	from, to := io.Pipe()
	s := &stream{imports: i, name: name, job: j, began: time.Now(), to: to}
	i.streams[name] = s
	i.jobs.background.Go(func() { i.jobs.run(i.jobs.ctx, j, s.load(from)) })
	return s, nil
}

func (i *imports) forget(s *stream) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.streams[s.name] == s {
		delete(i.streams, s.name)
	}
}

// stream is an archive that is being written.
type stream struct {
	imports *imports
	name    string
	job     *job
	began   time.Time
	to      *io.PipeWriter

	mu sync.Mutex // guards at, and keeps writes in order
	at int64      // bytes so far
}

// load reads the archive to its end, and what may follow, so that its writer is not stopped.
func (s *stream) load(from *io.PipeReader) Work {
	return func(ctx context.Context, j Job) error {
		defer context.AfterFunc(ctx, func() { from.CloseWithError(context.Cause(ctx)) })()
		_, err := s.imports.engine.Load(ctx, from, j)
		if err == nil {
			_, err = io.Copy(io.Discard, from)
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		from.CloseWithError(err)
		return err
	}
}

// Mode lets nobody else open it.
func (s *stream) Mode() fs.FileMode   { return 0o400 }
func (s *stream) Stream(bool) bool    { return false }
func (s *stream) ModTime() time.Time  { return s.began }
func (s *stream) Open(uint64) Session { return unreadable{} }

// Size is what has been written so far.
func (s *stream) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *stream) Read(context.Context, Call, []byte, int64) (int, error) { return 0, syscall.EBADF }
func (s *stream) Ready(func()) bool                                      { return true }

// Write takes what comes next. What the writer skips, because it is a hole in what it copies, is zeros.
func (s *stream) Write(ctx context.Context, c Call, data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Offset < s.at {
		return 0, syscall.ESPIPE
	}
	defer context.AfterFunc(ctx, func() { s.to.CloseWithError(ctx.Err()) })()
	_, err := io.CopyN(s.to, zeros{}, c.Offset-s.at)
	if err == nil {
		_, err = s.to.Write(data)
	}
	if err != nil {
		return 0, s.fault(ctx)
	}
	s.at = c.Offset + int64(len(data))
	return len(data), nil
}

// fault is why nobody reads any more.
func (s *stream) fault(ctx context.Context) error {
	if ctx.Err() != nil {
		return syscall.EINTR
	}
	<-s.job.done
	if e := s.job.ended().Errno; e != 0 {
		return e
	}
	return syscall.EIO
}

// Flush ends the archive and says how it went. Before the first byte it says nothing: a shell closes the descriptor that
// it opened when it has made another one of it.
func (s *stream) Flush(ctx context.Context) error {
	if s.Size() == 0 && s.job.ended() == nil {
		return nil
	}
	s.to.Close()
	select {
	case <-s.job.done:
	case <-ctx.Done():
		s.job.stop()
		<-s.job.done
	}
	s.imports.forget(s)
	return asError(s.job.ended().Errno)
}

// Close ends the archive, if no Flush has.
func (s *stream) Close() {
	s.to.Close()
	s.imports.forget(s)
	s.imports.jobs.forget(s.job.Handle)
}

// zeros is an endless reader of them.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// unreadable is what others get who open an archive that is being written.
type unreadable struct{ readOnly }

func (unreadable) Read(context.Context, Call, []byte, int64) (int, error) { return 0, syscall.EBUSY }

// broken is the session of an archive that a predecessor was reading.
type broken struct {
	readOnly
	job *job
}

func (s broken) Read(context.Context, Call, []byte, int64) (int, error) { return 0, syscall.EBADF }
func (s broken) Write(context.Context, Call, []byte) (int, error)       { return 0, syscall.EIO }
func (s broken) Flush(context.Context) error {
	<-s.job.done
	return asError(s.job.ended().Errno)
}

// broken returns the session of an archive that a predecessor was, or had been, loading.
func (t *jobs) broken(handle uint64) (Session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.writes[handle] {
		if j.Stream {
			return broken{job: j}, true
		}
	}
	return nil, false
}
