package conn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// grace is how long a server that is replaced has to end by itself; its readers wait meanwhile.
const grace = time.Second

// child is a server process.
type child struct {
	cmd    *exec.Cmd
	born   time.Time
	ready  chan struct{} // closed when it answers
	ended  chan struct{} // closed when it has ended, after what follows is set
	refuse string        // what it said instead of being ready
	err    error         // nil for exit status 0
}

// start starts a server with files as its descriptors 3, 4, …. The calling goroutine is locked to its thread until the
// child has ended: the kernel kills the child when that thread ends.
func start(cmd *exec.Cmd, files []*os.File, predecessor string) (*child, error) {
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd.ExtraFiles = append(append([]*os.File(nil), files...), theirs)
	cmd.Env = append(cmd.Environ(), fmt.Sprintf("%s=%d", readyEnv, 3+len(files)), predecessorEnv+"="+predecessor)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true // Ctrl-C goes to the holder alone
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.WaitDelay = grace
	if err := cmd.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	c := &child{cmd: cmd, born: time.Now(), ready: make(chan struct{}), ended: make(chan struct{})}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		c.listen(ours)
	}()
	go func() {
		defer close(c.ended)
		if c.err = cmd.Wait(); errors.Is(c.err, exec.ErrWaitDelay) {
			c.err = nil // it has exited with 0, and a child of its own has its standard error
		}
		// What it has said is in the pipe; who else may hold the other end has nothing to say.
		ours.SetReadDeadline(time.Now().Add(grace))
		<-heard
		ours.Close()
	}()
	return c, nil
}

// listen hears the one line of [readyEnv].
func (c *child) listen(pipe *os.File) {
	line, err := bufio.NewReader(pipe).ReadString('\n')
	if err != nil {
		return // it ended without a word
	}
	if c.refuse = strings.TrimSpace(line); c.refuse == "" {
		close(c.ready)
	}
}

// pid is for the log.
func (c *child) pid() int { return c.cmd.Process.Pid }

// isReady tells whether it has ever answered.
func (c *child) isReady() bool {
	select {
	case <-c.ready:
		return true
	default:
		return false
	}
}

// wait returns nil when the child answers, or has ended with status 0, and otherwise why it does not.
func (c *child) wait(ctx context.Context) error {
	select {
	case <-c.ready:
		return nil
	case <-c.ended:
		return c.failure()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// failure is what an ended child failed of, in its own words if it said any; nil if it did not.
func (c *child) failure() error {
	if c.err == nil {
		return nil
	}
	if c.refuse != "" {
		return errors.New(c.refuse)
	}
	return fmt.Errorf("the server ended: %w", c.err)
}

// end ends the child, and returns when nothing of it is left.
func (c *child) end() {
	c.cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended
	select {
	case <-c.ended:
	case <-time.After(grace):
		c.cmd.Process.Kill()
		<-c.ended
	}
}

// killed tells whether it was ended by a signal that comes from outside.
func (c *child) killed() bool {
	var exit *exec.ExitError
	if !errors.As(c.err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return false
	}
	switch status.Signal() {
	case syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP:
		return true
	}
	return false
}

// death is what its successor is told of its end. A server that has not been ready has not touched any request.
func (c *child) death() string {
	if c.isReady() && !c.killed() {
		return predecessorCrashed
	}
	return predecessorKilled
}
