package control

import (
	"context"
	"io"
	"io/fs"
	"syscall"
)

// File is a special file. Its methods may be called from many goroutines.
type File interface {
	// Mode is the permission bits.
	Mode() fs.FileMode
	// Size is what stat(2) shows in bytes: exact, or 0 where it depends on the reader.
	Size() int64
	// Stream tells whether a descriptor, opened for writing or not, has no position: reads give what comes next.
	Stream(writable bool) bool
	// Open begins a session. A successor of the server opens it again, with the same handle, when it is next used.
	Open(handle uint64) Session
}

// Session is an open descriptor. Its methods may be called from many goroutines.
type Session interface {
	// Read reads from off, which is 0 for a stream. It may block until ctx ends: EINTR. No bytes and no error is the
	// end.
	Read(ctx context.Context, c Call, p []byte, off int64) (int, error)
	// Write writes whole lines. It may block until ctx ends.
	Write(ctx context.Context, c Call, data []byte) (int, error)
	// Ready tells whether a read would not block. If it would, wake, which may be nil, is called once that may have
	// changed; only the wake of the latest call that had one is.
	Ready(wake func()) bool
	// Close ends the session.
	Close()
}

// Flusher is a session that has something to say when a descriptor is closed.
type Flusher interface {
	// Flush is called for each close(2), of duplicates too, before Close. It may block until ctx ends.
	Flush(ctx context.Context) error
}

// Statter is a session that knows what it reads, also when that has no name any more.
type Statter interface {
	Stat() (fs.FileInfo, error)
}

// Call is who reads or writes, and how.
type Call struct {
	Unique   uint64 // the request's number: a successor that is asked again sees the same
	UID      uint32
	PID      uint32 // of the thread; 0 if it is not to be seen from here
	Offset   int64  // of a write
	NonBlock bool   // EAGAIN instead of waiting to read
	Writable bool   // the descriptor is open for writing
}

// Text is a file of which a read gives what content is when the session begins to read; it is called for stat(2) too.
func Text(mode fs.FileMode, content func() []byte) File { return textFile{mode, content} }

type textFile struct {
	mode    fs.FileMode
	content func() []byte
}

func (f textFile) Mode() fs.FileMode   { return f.mode }
func (f textFile) Size() int64         { return int64(len(f.content())) }
func (f textFile) Stream(bool) bool    { return false }
func (f textFile) Open(uint64) Session { return &textSession{content: f.content} }

// textSession keeps the text it began to read, so that a reader sees one state of it.
type textSession struct {
	readOnly
	content func() []byte
	kept    kept
}

func (s *textSession) Read(_ context.Context, _ Call, p []byte, off int64) (int, error) {
	return s.kept.readAt(p, off, s.content), nil
}

// readAt reads from a reader that is all there.
func readAt(r io.ReaderAt, p []byte, off int64) (int, error) {
	n, err := r.ReadAt(p, off)
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// readOnly is the part of a session that all share that cannot be written to and never block.
type readOnly struct{}

func (readOnly) Write(context.Context, Call, []byte) (int, error) { return 0, syscall.EBADF }
func (readOnly) Ready(func()) bool                                { return true }
func (readOnly) Close()                                           {}
