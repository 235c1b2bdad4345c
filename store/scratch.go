package store

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"
)

// scratch is where this process makes what it has no name for yet: ROOT/ingest/tmp-<random>, which belongs to it as
// long as it holds the lock tmp-<random>.lock. What a dead process left there is swept.
type scratch struct {
	dir string // ROOT/ingest

	mu   sync.Mutex // guards what follows
	own  string     // "" before the first use
	lock *os.File
}

// file makes an empty file, for reading and writing.
func (s *scratch) file() (*os.File, error) {
	dir, err := s.open()
	if err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(dir, rand.Text()), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
}

// mkdir makes an empty directory.
func (s *scratch) mkdir() (string, error) {
	dir, err := s.name()
	if err != nil {
		return "", err
	}
	return dir, os.Mkdir(dir, 0o755)
}

// name gives a path at which nothing is.
func (s *scratch) name() (string, error) {
	dir, err := s.open()
	return filepath.Join(dir, rand.Text()), err
}

func (s *scratch) open() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != "" {
		return s.own, nil
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return "", err
	}
	own := filepath.Join(s.dir, "tmp-"+rand.Text())
	lock, err := acquire(context.Background(), own+".lock", nil) // a sweep may have it for a moment
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(own, 0o755); err != nil {
		lock.Close()
		return "", err
	}
	s.own, s.lock = own, lock
	return own, nil
}

func (s *scratch) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == "" {
		return nil
	}
	err := os.RemoveAll(s.own)
	os.Remove(s.own + ".lock")
	s.lock.Close()
	s.own, s.lock = "", nil
	return err
}
