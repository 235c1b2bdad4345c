package imagefs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
)

// SweepBuilds removes what builds that were killed have left. Where there is none, that is a look into one directory.
func (e *Engine) SweepBuilds(ctx context.Context) error {
	entries, err := os.ReadDir(e.building())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), leaving) {
			_ = os.RemoveAll(filepath.Join(e.building(), entry.Name())) // others may be at it; the next one tries again
			continue
		}
		err = errors.Join(err, e.sweepBuild(ctx, entry.Name(), unix.LOCK_EX|unix.LOCK_NB))
	}
	return err
}

// sweepBuild removes a build's workplace once it has its lock.
func (e *Engine) sweepBuild(ctx context.Context, name string, how int) error {
	w := &workplace{dir: filepath.Join(e.building(), name)}
	var err error
	w.lock, err = lockFile(filepath.Join(w.dir, workplaceLock), how)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil // the build is at work
	}
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(w.leaving()) // it was about to go
	}
	if err != nil {
		return err
	}
	if err := errors.Join(e.removeWorkplace(ctx, w), w.lock.Close()); err != nil {
		return err
	}
	_, err = e.store.Collect(ctx) // what only its images had
	return err
}

// Sweeper is the first argument that makes this binary the process which sweeps after a build: its main calls [Sweep]
// with the others.
const Sweeper = "sweep"

const builderFD = 3

// startSweeper starts the process that sweeps after the build name when this process ends, in whichever way.
func startSweeper(root, name string) (*exec.Cmd, error) {
	self, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	builder := os.NewFile(uintptr(self), "builder")
	defer builder.Close()
	cmd := exec.Command("/proc/self/exe", Sweeper, root, name)
	cmd.Args[0] = os.Args[0]
	cmd.Dir = "/"
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, []*os.File{builder}
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true} // a terminal's signals are not for it
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the sweeper: %w", err)
	}
	return cmd, nil
}

// dismiss ends the sweeper, which has nothing to do any more.
func (w *workplace) dismiss() error {
	err := w.sweeper.Process.Kill()
	_ = w.sweeper.Wait() // that it was killed is known
	return err
}

// Sweep is the sweeper. It waits for the builder's end, and then for that of what the build has run.
func Sweep(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("this is started by imagefs itself")
	}
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: builderFD, Events: unix.POLLIN}}, -1)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
	}
	s, err := store.Open(args[0])
	if err != nil {
		return err
	}
	e := New(s, registry.New(registry.Options{}))
	return errors.Join(e.sweepBuild(ctx, args[1], unix.LOCK_EX), s.Close())
}
