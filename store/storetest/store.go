package storetest

import (
	"testing"

	"github.com/imagefs/imagefs/store"
)

// Open opens the store at dir until the test ends.
func Open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}

// New makes a store for the test.
func New(t testing.TB) *store.Store {
	t.Helper()
	return Open(t, t.TempDir())
}
