package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNotInstalled says that there is no buildctl.
var ErrNotInstalled = errors.New("there is no buildctl, BuildKit's program, here")

// grace is how long buildctl may take to end when it is told to.
const grace = 5 * time.Second

// Run has the daemon build, and returns when that has ended. It tells report how it goes on. Unless the request has a layout,
// it calls read with an archive; if read returns without an error, and Run with one, what was read is not to be used.
//
// The error is an [*Error] if it is the build's, an [*AddressError], an [*UnreachableError], [ErrNotInstalled], read's, or
// ctx's cause.
func Run(ctx context.Context, r Request, report func(Event), read func(io.Reader) error) error {
	r.Address = Address(r.Address)
	path, err := find()
	if err != nil {
		return err
	}
	if err := reach(ctx, r.Address); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	ids, files, err := r.openSecrets()
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if err != nil {
		return err
	}
	told := newProgress(report)
	cmd := exec.CommandContext(ctx, path, r.arguments(ids)...)
	cmd.Dir = fmt.Sprintf("/proc/self/fd/%d", r.Context.Fd())
	cmd.Stderr, cmd.ExtraFiles = told, files
	// Ctrl-C comes from here alone, and if this process is killed, buildctl is too.
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGINT) }
	cmd.WaitDelay = grace
	runtime.LockOSThread() // whose death is the parent's
	defer runtime.UnlockOSThread()
	if r.Layout != "" {
		read = nothing
	}
	readErr, err := follow(cmd, read)
	told.end()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &exit) && exit.Exited():
		return told.failure()
	case readErr != nil:
		return readErr
	}
	return err
}

// follow runs buildctl. When its output is not wanted any more, it ends.
func follow(cmd *exec.Cmd, read func(io.Reader) error) (readErr, err error) {
	archive, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	readErr = read(archive)
	archive.Close()
	return readErr, cmd.Wait()
}

// nothing reads what has no content.
func nothing(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// find looks for buildctl in PATH, or where it is put mostly: a mount unit has no PATH.
func find() (string, error) {
	const name = "buildctl"
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	if os.Getenv("PATH") == "" {
		for _, dir := range []string{"/usr/local/bin", "/usr/bin"} {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path, nil
			}
		}
	}
	return "", ErrNotInstalled
}

// openSecrets puts the secrets into files that no path leads to.
func (r *Request) openSecrets() (ids []string, files []*os.File, err error) {
	for id := range r.Secrets {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		fd, err := unix.MemfdCreate("secret", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, files, os.NewSyscallError("memfd_create", err)
		}
		f := os.NewFile(uintptr(fd), "secret")
		files = append(files, f)
		if _, err := f.Write(r.Secrets[id]); err != nil {
			return nil, files, err
		}
	}
	return ids, files, nil
}
