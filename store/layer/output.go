package layer

import (
	"os"

	"golang.org/x/sys/unix"
)

// writebackSize is how much is written before the kernel is asked to start putting it on disk, so that little is left
// when the file is synced.
const writebackSize = 8 << 20

// output is a file that is written from its start to its end.
type output struct {
	file    *os.File
	size    int64
	started int64 // how much of it is on its way to the disk
}

func (o *output) create(path string) (err error) {
	o.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	return err
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	o.size += int64(n)
	if o.size-o.started >= writebackSize {
		// Advice: a file system that does not know it syncs everything at the end.
		unix.SyncFileRange(int(o.file.Fd()), o.started, o.size-o.started, unix.SYNC_FILE_RANGE_WRITE)
		o.started = o.size
	}
	return n, err
}

func (o *output) close() {
	if o.file != nil {
		o.file.Close()
	}
}
