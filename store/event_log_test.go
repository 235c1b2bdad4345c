package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/storetest"
)

func appendEvent(t testing.TB, s *store.Store, line string) {
	t.Helper()
	if err := s.AppendEvent([]byte(line)); err != nil {
		t.Fatalf("append: %v", err)
	}
}

func keptEvents(t testing.TB, s *store.Store) (lines []string) {
	t.Helper()
	err := s.Events(t.Context(), false, func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	if err != nil {
		t.Fatalf("events: %v", err)
	}
	return lines
}

func TestEventsAreKept(t *testing.T) {
	s := storetest.New(t)
	if got := keptEvents(t, s); len(got) > 0 {
		t.Errorf("of a new store: %q", got)
	}
	appendEvent(t, s, "one")
	appendEvent(t, storetest.Open(t, s.Dir()), "two")
	if err := s.AppendEvent([]byte("three\nfour")); err == nil {
		t.Error("two lines are one event")
	}
	f, err := os.OpenFile(filepath.Join(s.Dir(), "events"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(strings.Repeat("half a line ", 1000)); err != nil {
		t.Fatal(err)
	}
	if got := keptEvents(t, s); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("half a line is seen: %q", got)
	}
	appendEvent(t, s, "three")
	if got := keptEvents(t, s); !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("after half a line: %q", got)
	}
	stop := errors.New("stop")
	if err := s.Events(t.Context(), false, func([]byte) error { return stop }); err != stop {
		t.Errorf("the reader's error: %v", err)
	}
}

// TestEventsAreFollowed has writers fill the log more than twice while a reader follows.
func TestEventsAreFollowed(t *testing.T) {
	s := storetest.New(t)
	appendEvent(t, s, "first")
	const writers, each = 3, 100
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []string
	begun, done := make(chan struct{}), make(chan error)
	go func() {
		done <- s.Events(ctx, true, func(line []byte) error {
			name, _, _ := strings.Cut(string(line), "#")
			if got = append(got, name); len(got) == 1 {
				close(begun)
			}
			if len(got) == 1+writers*each {
				cancel()
			}
			return nil
		})
	}()
	<-begun
	padding := strings.Repeat("x", 40_000)
	var wg sync.WaitGroup
	for w := range writers {
		other := storetest.Open(t, s.Dir())
		wg.Go(func() {
			for i := range each {
				appendEvent(t, other, fmt.Sprintf("%d %d#%s", w, i, padding))
			}
		})
	}
	wg.Wait()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for w := range writers {
		for i := range each {
			if !slices.Contains(got, fmt.Sprintf("%d %d", w, i)) {
				t.Errorf("event %d of writer %d is lost", i, w)
			}
		}
	}
	var size int64
	for _, name := range []string{"events", "events.old"} {
		info, err := os.Stat(filepath.Join(s.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 9<<20 {
		t.Errorf("%d bytes are kept", size)
	}
}
