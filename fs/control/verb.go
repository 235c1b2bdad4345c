package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/imagefs/imagefs"
)

// Verb is a file that a line is written to.
type Verb struct {
	Name  string
	Usage string // the words of a line, as docker's help has them
	// Aside keeps the verb's jobs from being "latest".
	Aside bool
	// Paths has the writer be known to the work: see [Job].
	Paths bool
	// Parse turns words into work, or is an error of kind Invalid. It is called again for a line that is answered again.
	Parse func(words []string) (Work, error)
}

// Work is one job. Its lines are docker's own.
type Work func(ctx context.Context, j Job) error

// Job is what its work sees of it.
type Job interface {
	imagefs.Reporter
	// Open opens a file or a directory to read, as the writer of the line could: a relative path begins at its working
	// directory. The verb has Paths.
	Open(path string) (*os.File, error)
	// Again tells whether the work may have been done before, whole or in part, by a server that was killed.
	Again() bool
}

// MaxWrite is how many bytes a write may hold.
const MaxWrite = 64 << 10

type verbFile struct {
	verb Verb
	jobs *jobs
}

func (f *verbFile) Mode() fs.FileMode         { return 0o600 }
func (f *verbFile) Size() int64               { return 0 }
func (f *verbFile) Stream(writable bool) bool { return writable }

func (f *verbFile) Open(handle uint64) Session { return &verbSession{file: f, handle: handle} }

type verbSession struct {
	file   *verbFile
	handle uint64
	kept   kept
}

// Write runs the lines, one after the other. The first that fails ends it: if others went before, they are what was
// written, and the error is kept for the next write, which is the same line again.
func (s *verbSession) Write(ctx context.Context, c Call, data []byte) (int, error) {
	if len(data) > MaxWrite {
		return 0, s.do(ctx, c, 0, line{text: string(data[:64]) + "…"}, len(data))
	}
	done := 0
	for i, l := range splitLines(data) {
		if err := s.do(ctx, c, i, l, len(data)); err != nil {
			if done > 0 {
				return done, nil
			}
			return 0, err
		}
		done = l.end
	}
	return len(data), nil
}

func (s *verbSession) do(ctx context.Context, c Call, index int, l line, size int) error {
	return s.file.jobs.do(ctx, request{
		Verb: s.file.verb.Name, Command: l.text, UID: c.UID, Handle: s.handle, Unique: c.Unique, Index: index, Bytes: size,
		Detached: l.detached(), pid: c.PID,
	})
}

// work parses a line; a fault without a hint gets the usage for one.
func (v Verb) work(text string) (Work, error) {
	l := line{text: text}
	words, err := l.words()
	if err != nil {
		return nil, err
	}
	work, err := v.Parse(words)
	var e *imagefs.Error
	if errors.As(err, &e) && e.Hint == "" {
		e.Hint = v.usage()
	}
	return work, err
}

func (v Verb) usage() string { return "usage: " + v.Name + " " + v.Usage }

// Read gives what the descriptor's last write has led to, or, to one that has not written, usage and the last results.
func (s *verbSession) Read(_ context.Context, c Call, p []byte, off int64) (int, error) {
	if !c.Writable {
		return s.kept.readAt(p, off, func() []byte { return s.file.help(c.UID) }), nil
	}
	from := s.file.jobs.position(s.handle, c.Unique)
	n := 0
	if text, ok := s.file.jobs.written(s.handle); ok {
		n = copy(p, text[min(from, len(text)):])
	} else {
		n = s.kept.readAt(p, int64(from), func() []byte { return s.file.help(c.UID) })
	}
	s.file.jobs.advance(s.handle, c.Unique, from, n)
	return n, nil
}

func (s *verbSession) Ready(func()) bool { return true }
func (s *verbSession) Close()            { s.file.jobs.forget(s.handle) }

// help is a usage line and the last results of a user.
func (f *verbFile) help(uid uint32) []byte {
	text := fmt.Appendln(nil, f.verb.usage())
	for _, j := range f.jobs.last(f.verb.Name, uid, 5) {
		text = fmt.Appendf(text, "\n# job %d, %s: %s\n%s", j.number, j.status(), j.Command, j.result())
	}
	return text
}

// invalid is a fault in a line. word is the one at fault, or "".
func invalid(word, hint, format string, args ...any) error {
	return &imagefs.Error{Kind: imagefs.Invalid, Subject: word, Err: fmt.Errorf(format, args...), Hint: hint}
}
