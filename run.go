package imagefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/builder/runner"
)

// RunRequest is how a container's process is to run, beyond what the container's config says.
type RunRequest struct {
	Container string
	Mounts    []specs.Mount
	Network   runner.Network // "" for pasta's, or the host's where there is no pasta
	Ports     []runner.Port  // a Host of 0 is for any that is free

	// As in [runner.Spec].
	Stdin          io.Reader        `json:"-"`
	Stdout, Stderr io.Writer        `json:"-"`
	Signals        <-chan os.Signal `json:"-"`
	Started        func()           `json:"-"`
}

// Run runs a container's process to its end, and returns its exit status. If the process did not run, the status is
// docker's for that: 127 if there is no such command, 126 if it cannot be invoked, 125 for all else. The container must
// be mounted, or [Engine.UseContent] have been called. Lines are warnings. The error is of kind NotFound, Denied,
// Invalid, InUse (it runs already, or a port is taken) or Unsupported.
func (e *Engine) Run(ctx context.Context, req RunRequest, report Reporter) (exitCode int, err error) {
	c, err := e.Container(req.Container)
	if err != nil {
		return runner.ExitFailed, err
	}
	spec, err := e.runSpec(c, req, report)
	if err != nil {
		return runner.ExitFailed, err
	}
	if err := e.checkRunc(func(warning string) { report.Line("WARNING: " + warning) }); err != nil {
		return runner.ExitFailed, err
	}
	started := spec.Started
	spec.Started = func() {
		e.events.container("start", c, nil)
		if started != nil {
			started()
		}
	}
	code, err := c.Run(ctx, e.content, spec)
	var failed *runner.Error
	switch {
	case errors.As(err, &failed):
		return code, cannotRun(spec, failed)
	case errors.Is(err, container.ErrRunning):
		return code, &Error{
			Kind: InUse, Subject: req.Container, Err: fmt.Errorf("container %s is already running", c.Name), Hint: "imagefs stop " + c.Name,
		}
	case errors.Is(err, container.ErrNotMounted):
		return code, &Error{Kind: NotFound, Subject: req.Container, Err: err, Hint: "imagefs mount -d DIR"}
	case err != nil:
		return code, err
	}
	e.events.container("die", c, map[string]string{"exitCode": strconv.Itoa(code)})
	return code, nil
}

// runcCheck says whether it is known what is wrong with this machine's runc.
type runcCheck struct {
	mu   sync.Mutex // guards done
	done bool
}

// checkRunc warns, once, of a runc that lets processes break out. The error is of kind Unsupported: it is too old.
func (e *Engine) checkRunc(warn func(string)) error {
	e.runc.mu.Lock()
	defer e.runc.mu.Unlock()
	if e.runc.done {
		return nil
	}
	warning, err := runner.CheckRunc()
	if err != nil {
		return &Error{Kind: Unsupported, Subject: "runc", Err: err, Hint: "install a newer one"}
	}
	if warning != "" {
		warn(warning)
	}
	e.runc.done = true
	return nil
}

// runSpec is what the container's config and the request say.
func (e *Engine) runSpec(c *container.Container, req RunRequest, report Reporter) (runner.Spec, error) {
	config := containerConfig(c)
	s := runner.Spec{
		Args: slices.Concat(config.Entrypoint, config.Cmd), Env: config.Env, Cwd: config.WorkingDir, User: config.User,
		Hostname: config.Hostname, Mounts: req.Mounts, Network: req.Network, Terminal: config.Tty,
		Stdin: req.Stdin, Stdout: req.Stdout, Stderr: req.Stderr, Signals: req.Signals, Started: req.Started,
	}
	var err error
	if s.Network, err = chooseNetwork(req, report); err != nil {
		return s, err
	}
	if s.Network == runner.Host && s.Hostname == c.ID[:12] {
		if s.Hostname, err = os.Hostname(); err != nil {
			return s, err
		}
	}
	if len(req.Ports) > 0 && s.Network != runner.Pasta {
		report.Line(fmt.Sprintf("WARNING: Published ports are discarded when using %s network mode", s.Network))
		return s, nil
	}
	s.Ports, err = freePorts(req.Ports)
	return s, err
}

func chooseNetwork(req RunRequest, report Reporter) (runner.Network, error) {
	known := []runner.Network{runner.Pasta, runner.Host, runner.None}
	switch {
	case req.Network == "" && runner.HasPasta():
		return runner.Pasta, nil
	case req.Network == "" && len(req.Ports) > 0, req.Network == runner.Pasta && !runner.HasPasta():
		return "", &Error{
			Kind: Unsupported, Subject: "pasta", Err: errors.New("there is no pasta, which connects a container's network with the outside"),
			Hint: "install it (Debian's package is passt), or run with --network host",
		}
	case req.Network == "":
		report.Line("WARNING: there is no pasta (Debian's package passt), so the container has the host's network")
		return runner.Host, nil
	case !slices.Contains(known, req.Network):
		return "", &Error{
			Kind: Invalid, Subject: string(req.Network), Err: fmt.Errorf("network %s not found", req.Network),
			Hint: "there are pasta, host and none",
		}
	}
	return req.Network, nil
}

// cannotRun says why a process did not run.
func cannotRun(s runner.Spec, failed *runner.Error) error {
	e := &Error{Kind: Unsupported, Err: failed}
	if len(s.Args) > 0 {
		e.Subject = s.Args[0]
	}
	switch {
	case failed.Invalid:
		e.Kind, e.Subject = Invalid, ""
	case failed.Code == runner.ExitNotFound:
		e.Kind, e.Hint = NotFound, "is it in the image, and on its PATH?"
	case failed.Code == runner.ExitDenied:
		e.Kind, e.Hint = Denied, "is it a program, and may it be executed?"
	}
	return e
}
