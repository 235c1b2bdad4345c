package store

import (
	"os"
	"strings"
	"time"
)

// partialLife is how long an interrupted download may be resumed.
const partialLife = 7 * 24 * time.Hour

// sweep removes what processes that are gone have left in ROOT/ingest, and downloads nobody has resumed for long. It
// keeps what is locked, and what this process may not remove: nothing depends on its success.
func (s *Store) sweep() {
	entries, err := os.ReadDir(s.path("ingest"))
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), claimPrefix) {
			_, _ = removeDead(s.path("ingest", e.Name()))
		}
		if name, isLock := strings.CutSuffix(e.Name(), ".lock"); isLock {
			s.sweepOne(s.path("ingest", name))
		}
	}
}

func (s *Store) sweepOne(path string) {
	lock, err := tryAcquire(path + ".lock")
	if err != nil {
		return
	}
	defer lock.Close()
	info, err := os.Lstat(path)
	if err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) < partialLife {
		return
	}
	if os.RemoveAll(path) == nil {
		os.Remove(path + ".lock")
	}
}
