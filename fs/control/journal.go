package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// record is one line of the journal, as JSON. One field is set.
type record struct {
	Connection string   `json:",omitempty"` // the first line: what the journal is of
	Start      *request `json:",omitempty"` // before a job runs
	End        *ending  `json:",omitempty"` // before its line is answered
	Same       *same    `json:",omitempty"`
	Read       *read    `json:",omitempty"` // before it is answered
	Close      uint64   `json:",omitempty"` // the descriptor is gone
}

// same says that the first line of a write was answered with the pending failure of its descriptor.
type same struct{ Handle, Unique uint64 }

// journal is a file that lines are appended to, a write each. It outlives the process, not the machine, so it is not
// synced; what a killed process left of its last line is not a line.
type journal struct {
	path  string
	file  *os.File
	bytes int // since it was last written anew
}

// journalLimit is how many bytes are appended before the journal is written anew.
const journalLimit = 1 << 20

// readJournal returns the records of the journal at path, if it is of the connection. With an error, they are those
// before the fault.
func readJournal(path, connection string) ([]record, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var records []record
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return records, nil
		}
		text = rest
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return records, &fs.PathError{Op: "parse", Path: path, Err: err}
		}
		if records == nil && r.Connection != connection {
			return nil, nil
		}
		records = append(records, r)
	}
}

// rewrite replaces the journal by records, at once.
func (j *journal) rewrite(records []record) error {
	var text []byte
	for _, r := range records {
		text = append(text, jsonLine(r)...)
	}
	temporary := j.path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, j.path); err != nil {
		return errors.Join(err, file.Close())
	}
	old := j.file
	j.file, j.bytes = file, 0
	if old != nil {
		return old.Close()
	}
	return nil
}

func (j *journal) append(r record) error {
	line := jsonLine(r)
	j.bytes += len(line)
	_, err := j.file.Write(line)
	return err
}

// load takes what a predecessor on the connection has left, and begins a journal that holds it.
func (t *jobs) load(dir, connection string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.journal = &journal{path: filepath.Join(dir, "jobs")}
	t.connection = connection
	records, err := readJournal(t.journal.path, connection)
	if err != nil {
		t.log("journal of jobs: %v", err) // a mount without its past is better than none
	}
	for _, r := range records {
		t.apply(r)
	}
	for _, j := range t.known() {
		j.again = j.ended() == nil
	}
	return t.journal.rewrite(t.records())
}

func (t *jobs) apply(r record) {
	switch {
	case r.Start != nil:
		t.noteStart(*r.Start)
	case r.End != nil:
		if j := t.all[r.End.Job]; j != nil && j.restore(r.End) {
			t.noteEnd(j)
		}
	case r.Same != nil:
		t.noteSame(r.Same)
	case r.Read != nil:
		t.reads[r.Read.Handle] = *r.Read
	case r.Close != 0:
		t.noteClose(r.Close)
	}
}

// write appends to the journal, which it writes anew first when it has grown. Its error is logged.
func (t *jobs) write(r record) error {
	var err error
	if t.journal.bytes > journalLimit {
		err = t.journal.rewrite(t.records())
	}
	if err == nil {
		err = t.journal.append(r)
	}
	if err != nil {
		t.log("journal of jobs: %v", err)
	}
	return err
}
