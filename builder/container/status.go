package container

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Status is what docker calls a container's state.
type Status string

const (
	Created Status = "created" // nothing has run in it
	Running Status = "running"
	Exited  Status = "exited" // what ran in it has ended
)

// Status looks at the lock that a process's runner holds: one that was killed holds it no more.
func (c *Container) Status() (Status, error) {
	f, err := os.Open(filepath.Join(c.dir, "process"))
	if errors.Is(err, fs.ErrNotExist) {
		return Created, nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return Running, nil
	case err != nil:
		return "", &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return Exited, nil
}
