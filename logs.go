package imagefs

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/imagefs/imagefs/builder/container"
)

// logLine is a line of the log, as docker's json-file driver writes it.
type logLine struct {
	Log    string    `json:"log"`
	Stream string    `json:"stream"` // "stdout" or "stderr"
	Time   time.Time `json:"time"`
}

// Log is a container's log, which is written.
type Log struct {
	mu      sync.Mutex // guards file
	file    *os.File
	streams []*logStream
}

// CreateLog starts a container's log. The error is of kind NotFound or Invalid.
func (e *Engine) CreateLog(word string) (*Log, error) {
	c, err := e.Container(word)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(c.LogFile(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	return &Log{file: f}, err
}

// Stream returns what writes the lines of a stream.
func (l *Log) Stream(name string) io.Writer {
	s := &logStream{log: l, name: name}
	l.streams = append(l.streams, s)
	return s
}

// Close writes lines that have no end yet, and closes the log.
func (l *Log) Close() error {
	var err error
	for _, s := range l.streams {
		err = errors.Join(err, s.flush(s.buf))
	}
	return errors.Join(err, l.file.Close())
}

func (l *Log) write(line logLine) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.file.Write(append(text, '\n'))
	return err
}

// longestLine is where docker breaks a line in two, in bytes.
const longestLine = 16 << 10

type logStream struct {
	log  *Log
	name string
	buf  []byte // a line without its end
}

func (s *logStream) Write(p []byte) (int, error) {
	s.buf = append(s.buf, p...)
	for {
		n := bytes.IndexByte(s.buf, '\n') + 1
		if n == 0 && len(s.buf) >= longestLine {
			n = longestLine
		}
		if n == 0 {
			return len(p), nil
		}
		if err := s.flush(s.buf[:n]); err != nil {
			return 0, err
		}
		s.buf = s.buf[n:]
	}
}

func (s *logStream) flush(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	return s.log.write(logLine{string(line), s.name, time.Now().UTC()})
}

// LogsRequest is what `docker logs` is asked for.
type LogsRequest struct {
	Container  string
	Follow     bool
	Tail       int // how many lines of what is there; negative for all
	Timestamps bool
}

// Logs writes what a container's process has said, and with Follow what it says until it ends, or ctx does. The error is of
// kind NotFound or Invalid.
func (e *Engine) Logs(ctx context.Context, req LogsRequest, stdout, stderr io.Writer) error {
	c, err := e.Container(req.Container)
	if err != nil {
		return err
	}
	show := func(l logLine) error {
		to, before := stdout, ""
		if l.Stream == "stderr" {
			to = stderr
		}
		if req.Timestamps {
			before = l.Time.Format(time.RFC3339Nano) + " "
		}
		_, err := fmt.Fprint(to, before, l.Log)
		return err
	}
	f, err := os.Open(c.LogFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil // what is not run in the background is not kept
	}
	if err != nil {
		return err
	}
	defer f.Close()
	in := &logReader{in: bufio.NewReader(f)}
	if err := in.past(req.Tail, show); err != nil || !req.Follow {
		return err
	}
	return in.follow(ctx, c, show)
}

type logReader struct {
	in   *bufio.Reader
	part []byte // of a line that is being written
}

// next returns the next line; io.EOF if it is not there yet. What is damaged is left out.
func (r *logReader) next() (logLine, error) {
	for {
		text, err := r.in.ReadBytes('\n')
		r.part = append(r.part, text...)
		if err != nil {
			return logLine{}, err
		}
		var l logLine
		err = json.Unmarshal(r.part, &l)
		r.part = nil
		if err == nil {
			return l, nil
		}
	}
}

func (r *logReader) past(tail int, show func(logLine) error) error {
	var kept []logLine
	for {
		l, err := r.next()
		if err == io.EOF {
			break
		}
		if err == nil && tail < 0 {
			err = show(l)
		}
		if err != nil {
			return err
		}
		if tail < 0 {
			continue
		}
		if kept = append(kept, l); len(kept) > tail {
			kept = kept[1:]
		}
	}
	for _, l := range kept {
		if err := show(l); err != nil {
			return err
		}
	}
	return nil
}

func (r *logReader) follow(ctx context.Context, c *container.Container, show func(logLine) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := c.Status() // before the rest is read: what ends has said all
		if err != nil {
			return err
		}
		for {
			l, err := r.next()
			if err == io.EOF {
				break
			}
			if err == nil {
				err = show(l)
			}
			if err != nil {
				return err
			}
		}
		if status != container.Running {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
