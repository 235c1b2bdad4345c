package store

import (
	"bytes"
	"context"
	"errors"
	"os"
)

// maxEvents is the size in bytes from which ROOT/events becomes ROOT/events.old.
const maxEvents = 4 << 20

const (
	eventsName    = "events"
	oldEventsName = "events.old"
)

// AppendEvent adds a line to ROOT/events, which all processes of the root share. It is kept to some megabytes: the older
// half is ROOT/events.old. The line has no newline in it.
func (s *Store) AppendEvent(line []byte) error {
	if bytes.IndexByte(line, '\n') >= 0 {
		return errors.New("an event is one line")
	}
	for {
		f, err := acquire(context.Background(), s.path(eventsName), nil)
		if err != nil {
			return err
		}
		rotated, err := s.rotateEvents(f)
		if err == nil && !rotated {
			err = appendLine(f, line)
		}
		f.Close()
		if err != nil || !rotated {
			return err
		}
	}
}

// rotateEvents makes ROOT/events, whose lock the caller has, the older half if it is full.
func (s *Store) rotateEvents(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() < maxEvents {
		return false, err
	}
	return true, os.Rename(f.Name(), s.path(oldEventsName))
}

// appendLine adds a line by one write. Half a line, whose writer was killed, goes.
func appendLine(f *os.File, line []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end, err := endOfLines(f, info.Size())
	if err != nil {
		return err
	}
	if end < info.Size() {
		if err := f.Truncate(end); err != nil {
			return err
		}
	}
	if _, err := f.WriteAt(append(bytes.Clone(line), '\n'), end); err != nil {
		return errors.Join(err, f.Truncate(end))
	}
	return nil
}

// endOfLines returns where the last whole line of a file of that size ends.
func endOfLines(f *os.File, size int64) (int64, error) {
	var block [4096]byte
	for size > 0 {
		b := block[:min(int64(len(block)), size)]
		if size%int64(len(block)) != 0 {
			b = block[:size%int64(len(block))]
		}
		if _, err := f.ReadAt(b, size-int64(len(b))); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return size - int64(len(b)) + int64(i) + 1, nil
		}
		size -= int64(len(b))
	}
	return 0, nil
}
