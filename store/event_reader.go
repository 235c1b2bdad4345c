package store

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
)

// Events calls f with each line that is kept, oldest first, and, if follow is set, with those that come, until ctx ends
// (it returns nil then) or f fails. A line is whole and without its newline.
func (s *Store) Events(ctx context.Context, follow bool, f func(line []byte) error) error {
	r := &eventReader{store: s, f: f}
	defer r.close()
	changed, stop := s.notifications(eventsName)
	defer stop()
	for {
		if err := r.catchUp(ctx); err != nil || !follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// eventReader reads ROOT/events.old and ROOT/events, and goes on over their rotation.
type eventReader struct {
	store *Store
	f     func([]byte) error
	file  *os.File // nil before the first
	off   int64    // of what was not read yet: the beginning of a line
}

// catchUp reads what is there: of the file it is in, then of those that came after that.
func (r *eventReader) catchUp(ctx context.Context) error {
	files, err := r.store.openEvents()
	if err != nil {
		return err
	}
	if r.file != nil {
		if err := r.lines(ctx); err != nil { // all of it, if it was rotated: nobody writes to it after that
			closeAll(files)
			return err
		}
		files = r.after(files)
	}
	for i, f := range files {
		r.close()
		r.file, r.off = f, 0
		if err := r.lines(ctx); err != nil {
			closeAll(files[i+1:])
			return err
		}
	}
	return nil
}

// after closes those of files that are not newer than the reader's own, and returns the others.
func (r *eventReader) after(files []*os.File) []*os.File {
	for i, f := range files {
		if isSame(f, r.file) {
			closeAll(files[:i+1])
			return files[i+1:]
		}
	}
	return files
}

func isSame(a, b *os.File) bool {
	x, err := a.Stat()
	y, failed := b.Stat()
	return err == nil && failed == nil && os.SameFile(x, y)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func (r *eventReader) close() {
	if r.file != nil {
		r.file.Close()
	}
}

// openEvents opens what there is of ROOT/events.old and ROOT/events, the older one first.
func (s *Store) openEvents() ([]*os.File, error) {
	for {
		older, err := openAny(s.path(oldEventsName))
		if err != nil {
			return nil, err
		}
		newer, err := openAny(s.path(eventsName))
		if err != nil {
			closeAll(older)
			return nil, err
		}
		files := append(older, newer...)
		// A rotation between the two would hide one.
		if len(older) == 0 && !exists(s.path(oldEventsName)) || len(older) == 1 && isStill(older[0], s.path(oldEventsName)) {
			return files, nil
		}
		closeAll(files)
	}
}

// openAny opens the file, if there is one.
func openAny(path string) ([]*os.File, error) {
	f, _, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return []*os.File{f}, err
}

// lines reads the lines of the file that have come since the last call. Half a line is read again by the next.
func (r *eventReader) lines(ctx context.Context) error {
	in := bufio.NewReader(io.NewSectionReader(r.file, r.off, math.MaxInt64-r.off))
	for ctx.Err() == nil {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		r.off += int64(len(line))
		if err := r.f(line[:len(line)-1]); err != nil {
			return err
		}
	}
	return nil
}
