package container

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/runner"
)

// Process is what became of the process that was run in a container.
type Process struct {
	Started  time.Time
	Finished time.Time // the zero time while it runs, and if its runner was killed
	ExitCode int       // of what has finished
	Network  runner.Network
	Ports    []runner.Port `json:",omitempty"`
}

// ErrRunning is that a process runs in a container, where none must; ErrNotRunning that none does.
var (
	ErrRunning    = errors.New("the container is running")
	ErrNotRunning = errors.New("the container is not running")
)

// Run runs a process in the container to its end, as [runner.Run] does; the container is the ID, Dir and Rootfs of s. It is
// mounted over content if it is not mounted, for as long as that takes. ErrRunning if a process runs in it already.
func (c *Container) Run(ctx context.Context, content string, s runner.Spec) (exitCode int, err error) {
	held, mine, err := c.beginRun(ctx, content)
	if err != nil {
		return runner.ExitFailed, err
	}
	defer func() {
		// Whoever else holds the file, the helper, has ended.
		err = errors.Join(err, held.Close())
		if mine {
			err = errors.Join(err, c.Unmount(context.WithoutCancel(ctx), false))
		}
	}()
	s.ID, s.Dir, s.Rootfs, s.Hold = c.ID, c.runDir(), c.Rootfs(), held
	signals, stop, err := c.listen(s.Signals)
	if err != nil {
		return runner.ExitFailed, err
	}
	defer stop()
	s.Signals = signals
	return c.run(ctx, s)
}

// beginRun mounts the container, and takes the lock that [Container.Status] looks at.
func (c *Container) beginRun(ctx context.Context, content string) (held *os.File, mine bool, err error) {
	lock, err := c.Lock(ctx)
	if err != nil {
		return nil, false, err
	}
	defer lock.Close()
	if err := os.MkdirAll(c.runDir(), 0o700); err != nil {
		return nil, false, err
	}
	if held, err = os.OpenFile(filepath.Join(c.dir, "process"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, false, err
	}
	err = unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrRunning
	}
	if err == nil {
		err = runner.Clean(c.runDir())
	}
	if err == nil {
		mine, err = c.mountForRun(ctx, content, lock)
	}
	if err != nil {
		return nil, false, errors.Join(err, held.Close())
	}
	return held, mine, nil
}

func (c *Container) mountForRun(ctx context.Context, content string, lock *os.File) (mine bool, err error) {
	if ok, err := c.Mounted(); ok || err != nil {
		return false, err
	}
	if content == "" {
		return false, ErrNotMounted
	}
	return true, c.mount(ctx, content, lock)
}

// run runs the process, and writes down what becomes of it. Of one that did not start nothing is left.
func (c *Container) run(ctx context.Context, s runner.Spec) (int, error) {
	state := Process{Started: time.Now().UTC(), Network: s.Network, Ports: s.Ports}
	started := s.Started
	var stateErr error
	s.Started = func() {
		state.Started = time.Now().UTC()
		stateErr = c.writeProcess(state)
		if started != nil {
			started()
		}
	}
	if err := os.Remove(c.processFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return runner.ExitFailed, err
	}
	code, err := runner.Run(ctx, s)
	var failed *runner.Error
	if errors.As(err, &failed) {
		return code, errors.Join(err, os.Remove(filepath.Join(c.dir, "process")))
	}
	state.Finished, state.ExitCode = time.Now().UTC(), code
	return code, errors.Join(err, stateErr, c.writeProcess(state))
}

func (c *Container) runDir() string      { return filepath.Join(c.dir, "run") }
func (c *Container) processFile() string { return filepath.Join(c.dir, "process.json") }

// LogFile is where the output of a process may be kept.
func (c *Container) LogFile() string { return filepath.Join(c.dir, "log") }

func (c *Container) writeProcess(p Process) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	temp := c.processFile() + ".new"
	if err := os.WriteFile(temp, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temp, c.processFile())
}

// Process tells what became of the last process; nil if there was none.
func (c *Container) Process() (*Process, error) {
	text, err := os.ReadFile(c.processFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var p Process
	return &p, json.Unmarshal(text, &p)
}
