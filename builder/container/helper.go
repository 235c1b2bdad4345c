package container

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// Helper is the first argument that makes this binary the helper: its main calls [Help] with the others.
const Helper = "overlay"

// call is the helper's one argument, as JSON.
type call struct {
	Mount  bool
	Target string
	// Of a mount.
	Source, Options string `json:",omitempty"`
	// Of an unmount: detach what is in use.
	Lazy bool `json:",omitempty"`
}

// help has a helper carry out a call, with hold, which may be nil, open until it is done. An error of the system wraps
// its errno.
func help(ctx context.Context, c call, hold *os.File) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", Helper, string(text))
	cmd.Args[0] = os.Args[0]
	cmd.Dir = "/"
	if hold != nil {
		cmd.ExtraFiles = []*os.File{hold}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() < 0 {
		return errors.Join(context.Cause(ctx), err)
	}
	var errno unix.Errno
	if json.Unmarshal(stderr.Bytes(), &errno) != nil {
		return fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	op := "unmount"
	if c.Mount {
		op = "mount"
	}
	return &os.PathError{Op: op, Path: c.Target, Err: errno}
}

// Help is the helper. What went wrong is for help; the process ends with status 1 then.
func Help(args []string) error {
	var c call
	if len(args) != 1 {
		return errors.New("this is started by imagefs itself")
	}
	if err := json.Unmarshal([]byte(args[0]), &c); err != nil {
		return err
	}
	err := c.do()
	var errno unix.Errno
	if errors.As(err, &errno) {
		fmt.Fprintf(os.Stderr, "%d\n", errno)
		os.Exit(1)
	}
	return err
}

func (c call) do() error {
	if c.Mount {
		return unix.Mount(c.Source, c.Target, "overlay", 0, c.Options)
	}
	flags := unix.UMOUNT_NOFOLLOW
	if c.Lazy {
		flags |= unix.MNT_DETACH
	}
	return unix.Unmount(c.Target, flags)
}
