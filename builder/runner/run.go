package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Run starts a runner, and runs the process.
func Run(ctx context.Context, s Spec) (exitCode int, err error) {
	r, err := Start(s)
	if err != nil {
		return ExitFailed, err
	}
	return r.Run(ctx, s)
}

// Runner is a helper that waits for the process it is to run. It takes a moment to come up, in which its caller may do other
// things.
type Runner struct{ *helperProcess }

// Start starts a runner. No more need be said than Dir, which exists, the streams, whether one is a terminal, and Hold. The
// caller calls Run or Close.
func Start(s Spec) (*Runner, error) {
	h, err := start(s)
	if err != nil {
		return nil, err
	}
	return &Runner{h}, nil
}

// Close ends a runner that was not told to run anything.
func (h *Runner) Close() {
	h.life.Close()
	_ = h.wait() // it has nothing to say
}

// Run runs the process, of which all is said now, to its end. Its exit status is that of a shell: 128 and the signal's number
// where a signal ended it. If it did not run, the error is an [*Error]. If ctx ends, the process is killed, and the error is
// ctx's cause.
func (h *Runner) Run(ctx context.Context, s Spec) (exitCode int, err error) {
	if err := writeSpec(s); err != nil {
		h.Close()
		return ExitFailed, err
	}
	defer func() { err = errors.Join(err, Clean(s.Dir)) }()
	_, _ = h.life.Write([]byte{goAhead}) // whoever does not read it has ended
	stop := context.AfterFunc(ctx, func() { h.life.Close() })
	defer stop()
	forwarded := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(forwarded)
		h.forward(s.Signals, ended)
	}()
	r := h.follow(s.Started)
	waitErr := h.wait()
	close(ended)
	<-forwarded
	h.life.Close()
	switch {
	case ctx.Err() != nil:
		return ExitFailed, context.Cause(ctx)
	case r.Error != nil:
		return r.Error.Code, r.Error
	case !r.Ended:
		return exitSignal + int(unix.SIGKILL), fmt.Errorf("the process's runner was killed: %w", waitErr)
	}
	return r.Code, nil
}

const exitSignal = 128

// goAhead tells the helper that spec.json is there.
const goAhead = 0

func writeSpec(s Spec) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, "spec.json"), text, 0o600)
}

// helperProcess is the helper, seen by the caller.
type helperProcess struct {
	cmd     *exec.Cmd
	life    *os.File // the first byte is goAhead, others are signals for the process; its end is the process's
	results *os.File // of reports
	pty     *pty     // nil if the process has the caller's terminal, or none
}

// report is what the helper says, as JSON, one after another.
type report struct {
	Started bool   `json:",omitempty"`
	Ended   bool   `json:",omitempty"`
	Code    int    `json:",omitempty"` // of what has ended
	Error   *Error `json:",omitempty"`
}

func start(s Spec) (*helperProcess, error) {
	lifeEnd, life, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer lifeEnd.Close()
	results, resultsEnd, err := os.Pipe()
	if err != nil {
		life.Close()
		return nil, err
	}
	defer resultsEnd.Close()
	h := &helperProcess{life: life, results: results}
	h.cmd = exec.Command("/proc/self/exe", Helper, s.Dir)
	h.cmd.Args[0] = os.Args[0]
	h.cmd.Dir = "/"
	h.cmd.Env = []string{"PATH=" + defaultPath}
	h.cmd.ExtraFiles = []*os.File{lifeEnd, resultsEnd}
	if s.Hold != nil {
		h.cmd.ExtraFiles = append(h.cmd.ExtraFiles, s.Hold)
	}
	// What a terminal sends to those in its foreground goes to the process by itself; without one, by the caller alone.
	h.cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Setpgid: !s.usesTerminal()}
	if err = h.connect(s); err == nil {
		err = h.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the process's runner: %w", err), life.Close(), results.Close(), h.pty.Close())
	}
	h.pty.started(s)
	return h, nil
}

func (h *helperProcess) connect(s Spec) (err error) {
	h.cmd.Stdin, h.cmd.Stdout, h.cmd.Stderr = s.Stdin, s.Stdout, s.Stderr
	if !s.Terminal || isTerminal(s.Stdout) {
		return nil
	}
	if h.pty, err = openPty(); err != nil {
		return err
	}
	h.cmd.Stdin, h.cmd.Stdout, h.cmd.Stderr = h.pty.slave, h.pty.slave, h.pty.slave
	return nil
}

// usesTerminal tells whether the process's terminal, or what it reads, is the caller's terminal.
func (s *Spec) usesTerminal() bool {
	return isTerminal(s.Stdin) || s.Terminal && isTerminal(s.Stdout)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && f != nil && term.IsTerminal(int(f.Fd()))
}

// forward sends the signals until ended is closed.
func (h *helperProcess) forward(signals <-chan os.Signal, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case s, ok := <-signals:
			if !ok {
				signals = nil
				continue
			}
			if number, ok := s.(unix.Signal); ok {
				_, _ = h.life.Write([]byte{byte(number)}) // whoever does not read it has ended
			}
		}
	}
}

// follow reads what the helper reports to its end, and returns the last of it.
func (h *helperProcess) follow(started func()) (last report) {
	for d := json.NewDecoder(h.results); ; {
		var r report
		if d.Decode(&r) != nil {
			return last
		}
		last = r
		if r.Started && started != nil {
			started()
		}
	}
}

func (h *helperProcess) wait() error {
	return errors.Join(h.cmd.Wait(), h.pty.Close(), h.results.Close())
}

// Clean removes the cgroups that a runner which was killed has left. None may be at work.
func Clean(dir string) error {
	states, err := filepath.Glob(filepath.Join(dir, "runc", "*", "state.json"))
	for _, path := range states {
		err = errors.Join(err, removeCgroups(path), os.RemoveAll(filepath.Dir(path)))
	}
	return err
}

// removeCgroups reads runc's state for the cgroups.
func removeCgroups(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var state struct {
		Paths map[string]string `json:"cgroup_paths"`
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return nil // it was killed while it wrote
	}
	for _, cgroup := range state.Paths {
		if err := removeCgroup(cgroup); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EBUSY) {
			return &os.PathError{Op: "rmdir", Path: cgroup, Err: err}
		}
	}
	return nil
}

// removeCgroup waits for the processes in it, which the kernel is about to kill, to be gone: cgroups of version 1 tell nobody
// when they are empty.
func removeCgroup(path string) error {
	const longest = 50 * time.Millisecond
	begin := time.Now()
	for delay := time.Millisecond; ; delay = min(2*delay, longest) {
		err := unix.Rmdir(path)
		if !errors.Is(err, unix.EBUSY) || time.Since(begin) > patience {
			return err
		}
		time.Sleep(delay)
	}
}
