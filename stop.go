package imagefs

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/container"
)

// StopRequest is what `docker stop` is asked for.
type StopRequest struct {
	Container string
	Timeout   *int // seconds until it is killed; nil for what the container says, or 10; negative for never
}

// Stop ends the process of a container: by the signal that the image asks for, and in the end by SIGKILL. It is nothing if
// none runs. The error is of kind NotFound or Invalid.
func (e *Engine) Stop(ctx context.Context, req StopRequest) error {
	c, err := e.Container(req.Container)
	if err != nil {
		return err
	}
	config := containerConfig(c)
	signal, err := parseSignal(config.StopSignal)
	if err != nil {
		return err
	}
	err = send(ctx, c, signal)
	if errors.Is(err, container.ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	waiting, cancel := patience(ctx, req.Timeout, config.StopTimeout)
	defer cancel()
	err = c.Wait(waiting)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = kill(ctx, c)
	}
	if err == nil {
		e.events.container("stop", c, nil)
	}
	return err
}

// patience is how long to wait for a container to end.
func patience(ctx context.Context, asked, configured *int) (context.Context, context.CancelFunc) {
	seconds := 10
	for _, n := range []*int{configured, asked} {
		if n != nil {
			seconds = *n
		}
	}
	if seconds < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
}

// kill ends the process of a container, if one runs.
func kill(ctx context.Context, c *container.Container) error {
	if err := send(ctx, c, unix.SIGKILL); err != nil && !errors.Is(err, container.ErrNotRunning) {
		return err
	}
	return c.Wait(ctx)
}

// send sends a signal to the process of a container; [container.ErrNotRunning]. It waits for one that is about to run, which
// hears nothing yet, and for one that hears nothing any more to end.
func send(ctx context.Context, c *container.Container, s unix.Signal) error {
	const delay = 5 * time.Millisecond
	for {
		err := c.Signal(s)
		if !errors.Is(err, container.ErrNotRunning) {
			return err
		}
		if status, statusErr := c.Status(); status != container.Running || statusErr != nil {
			return errors.Join(statusErr, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(delay):
		}
	}
}

// parseSignal reads a signal as docker does: SIGTERM, TERM or 15; "" is SIGTERM.
func parseSignal(word string) (unix.Signal, error) {
	if word == "" {
		return unix.SIGTERM, nil
	}
	if n, err := strconv.Atoi(word); err == nil && n > 0 && n <= 64 {
		return unix.Signal(n), nil
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(word), "SIG")
	if s := unix.SignalNum(name); s != 0 {
		return s, nil
	}
	const firstRealTime, lastRealTime = 34, 64
	for prefix, base := range map[string]int{"SIGRTMIN": firstRealTime, "SIGRTMAX": lastRealTime} {
		rest, ok := strings.CutPrefix(name, prefix)
		n, err := strconv.Atoi("0" + strings.TrimLeft(rest, "+-"))
		if !ok || err != nil {
			continue
		}
		if strings.HasPrefix(rest, "-") {
			n = -n
		}
		if base+n >= firstRealTime && base+n <= lastRealTime {
			return unix.Signal(base + n), nil
		}
	}
	return 0, invalid(word, "Invalid signal: %s", word)
}
