package control

import (
	"context"
	"io/fs"
	"sync"
	"syscall"
	"time"
)

// Feed is a file whose readers wait for lines, each reader for all that come after it has opened the file. It is not
// listed, because its readers wait.
type Feed struct {
	dropped func(n int, now time.Time) []byte
	mu      sync.Mutex // guards readers; taken before feedSession.mu
	readers map[*feedSession]struct{}
}

// feedLimit is how many lines wait for a slow reader before the oldest are dropped. Nobody else waits for it.
const feedLimit = 4096

// NewFeed makes a feed. dropped is the line that stands for n others, which a reader was too slow for.
func NewFeed(dropped func(n int, now time.Time) []byte) *Feed {
	return &Feed{dropped: dropped, readers: make(map[*feedSession]struct{})}
}

// Publish gives a line, with its newline, to all readers. line is not called if there are none.
func (f *Feed) Publish(line func() []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.readers) == 0 {
		return
	}
	text := line()
	for s := range f.readers {
		s.add(text)
	}
}

func (f *Feed) Mode() fs.FileMode { return 0o400 }
func (f *Feed) Size() int64       { return 0 }
func (f *Feed) Stream(bool) bool  { return true }

func (f *Feed) Open(uint64) Session {
	s := &feedSession{feed: f, more: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers[s] = struct{}{}
	return s
}

type feedSession struct {
	readOnly
	feed *Feed
	more chan struct{} // holds a token if there may be something to read

	mu      sync.Mutex // guards all below
	rest    []byte     // of a line that was read in part
	lines   [][]byte
	dropped int
	wake    func()
}

func (s *feedSession) add(line []byte) {
	s.mu.Lock()
	if len(s.lines) == feedLimit {
		s.lines = s.lines[1:]
		s.dropped++
	}
	s.lines = append(s.lines, line)
	wake := s.wake
	s.wake = nil
	s.mu.Unlock()
	s.signal()
	if wake != nil {
		wake()
	}
}

func (s *feedSession) signal() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *feedSession) Read(ctx context.Context, c Call, p []byte, _ int64) (int, error) {
	for {
		if n := s.take(p); n > 0 || len(p) == 0 {
			return n, nil
		}
		if c.NonBlock {
			return 0, syscall.EAGAIN
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return 0, syscall.EINTR
		}
	}
}

// take gives whole lines as far as they fit, but of a line longer than p a part.
func (s *feedSession) take(p []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for {
		if len(s.rest) == 0 {
			s.rest = s.next()
		}
		if len(s.rest) == 0 {
			return n
		}
		if n > 0 && len(s.rest) > len(p)-n {
			s.signal() // another reader of this descriptor may take it
			return n
		}
		done := copy(p[n:], s.rest)
		s.rest = s.rest[done:]
		n += done
		if len(s.rest) > 0 {
			s.signal()
			return n
		}
	}
}

func (s *feedSession) next() []byte {
	if s.dropped > 0 {
		line := s.feed.dropped(s.dropped, time.Now())
		s.dropped = 0
		return line
	}
	if len(s.lines) == 0 {
		return nil
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	return line
}

func (s *feedSession) Ready(wake func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) > 0 || len(s.lines) > 0 || s.dropped > 0 {
		return true
	}
	if wake != nil {
		s.wake = wake
	}
	return false
}

func (s *feedSession) Close() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	delete(s.feed.readers, s)
}

// Readers is how many sessions are open.
func (f *Feed) Readers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.readers)
}
