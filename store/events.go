package store

import "context"

// AppendEvent adds a line to ROOT/events, which all processes of the root share. It is kept to some megabytes: the older
// half is ROOT/events.old.
func (s *Store) AppendEvent(line []byte) error { panic("stub") }

// Events calls f with each line that is kept, oldest first, and, if follow is set, with those that come, until ctx ends
// (it returns nil then) or f fails. A line is whole and without its newline.
func (s *Store) Events(ctx context.Context, follow bool, f func(line []byte) error) error {
	panic("stub")
}
