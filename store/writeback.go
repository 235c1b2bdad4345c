package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// writeback starts the writing of a growing file to disk early, so that its fsync has little left to wait for.
type writeback struct{ started, size int64 }

const writebackStep = 8 << 20

// wrote notes that n bytes were appended to f.
func (w *writeback) wrote(f *os.File, n int) {
	w.size += int64(n)
	if w.size-w.started < writebackStep {
		return
	}
	// Only a hint: the fsync that follows reports what fails.
	_ = unix.SyncFileRange(int(f.Fd()), w.started, w.size-w.started, unix.SYNC_FILE_RANGE_WRITE)
	w.started = w.size
}
