package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/fs"
	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
)

// monitored is the one argument of the command "monitor", as JSON: what runs in the background.
type monitored struct {
	Root    string
	Request imagefs.RunRequest
	Remove  bool // the container, at the end
	Input   bool // there is one, which never comes
}

// monitorSays is the one line that a monitor writes: the process runs, or does not.
type monitorSays struct {
	Warnings []string     `json:",omitempty"`
	Status   int          `json:",omitempty"`
	Error    *spokenError `json:",omitempty"`
}

// spokenError is an [imagefs.Error] that another process had.
type spokenError struct {
	Kind                   imagefs.Kind
	Subject, Message, Hint string
}

func speak(err error) *spokenError {
	var known *imagefs.Error
	if errors.As(err, &known) {
		return &spokenError{known.Kind, known.Subject, known.Err.Error(), known.Hint}
	}
	return &spokenError{Kind: imagefs.KindOf(err), Message: err.Error()}
}

func (s *spokenError) err() error {
	return &imagefs.Error{Kind: s.Kind, Subject: s.Subject, Err: errors.New(s.Message), Hint: s.Hint}
}

// startMonitor starts a monitor, which outlives this process, and waits for its line.
func startMonitor(m monitored, made *container.Container, mounted bool) (said monitorSays, err error) {
	config, err := json.Marshal(m)
	if err != nil {
		return said, err
	}
	cmd := exec.Command("/proc/self/exe", "monitor", string(config))
	cmd.Args[0] = os.Args[0]
	cmd.SysProcAttr = &unix.SysProcAttr{}
	if !mounted {
		if !container.MayMount() {
			return said, errors.New("the store is not mounted, and this user may not mount it")
		}
		if cmd, err = fs.Privately(m.Root, cmd.Args[1:]); err != nil {
			return said, err
		}
	}
	cmd.SysProcAttr.Setsid = true
	cmd.Dir = "/"
	complaints := filepath.Join(filepath.Dir(made.LogFile()), "monitor.log")
	stderr, err := os.OpenFile(complaints, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return said, err
	}
	defer stderr.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return said, err
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, stderr
	err = cmd.Start()
	w.Close()
	if err != nil {
		return said, err
	}
	if err := json.NewDecoder(r).Decode(&said); err != nil {
		_ = cmd.Wait() // its last words say more
		text, _ := os.ReadFile(complaints)
		return said, fmt.Errorf("the container's monitor ended (%v): %s", cmd.ProcessState, strings.TrimSpace(string(text)))
	}
	return said, cmd.Process.Release()
}

func monitorCommand() *cli.Command {
	return &cli.Command{
		Name:            "monitor",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(c *cli.Context) error {
			var m monitored
			if c.NArg() != 1 {
				return errors.New("monitor is started by run")
			}
			if err := json.Unmarshal([]byte(c.Args().First()), &m); err != nil {
				return err
			}
			return monitor(c.Context, m)
		},
	}
}

func monitor(ctx context.Context, m monitored) error {
	s, err := store.Open(m.Root)
	if err != nil {
		return err
	}
	engine := imagefs.New(s, registry.New(registry.Options{}))
	err = errors.Join(monitorRun(ctx, engine, m), s.Close())
	return err
}

// monitorRun runs the container, keeps its output, and says once how that began.
func monitorRun(ctx context.Context, engine *imagefs.Engine, m monitored) error {
	content, err := fs.ContentOf(m.Root)
	if err != nil {
		return err
	}
	engine.UseContent(content)
	log, err := engine.CreateLog(m.Request.Container)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	warnings := &collected{}
	told := false
	req := m.Request
	req.Stdout, req.Stderr, req.Signals = log.Stream("stdout"), log.Stream("stderr"), signals
	req.Started = func() {
		told = true
		tell(monitorSays{Warnings: warnings.lines})
	}
	if m.Input {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer w.Close()
		defer r.Close()
		req.Stdin = r
	}
	status, err := engine.Run(context.WithoutCancel(ctx), req, warnings)
	err = errors.Join(err, log.Close())
	switch {
	case !told && err != nil:
		tell(monitorSays{Warnings: warnings.lines, Status: status, Error: speak(err)})
		return nil // who hears it does the rest
	case !told: // it ended before anyone could see it
		tell(monitorSays{Warnings: warnings.lines})
	}
	if m.Remove {
		err = errors.Join(err, engine.RemoveContainer(context.WithoutCancel(ctx), req.Container, true))
	}
	return err
}

// tell writes the monitor's line, after which nobody reads its output.
func tell(said monitorSays) {
	_ = json.NewEncoder(os.Stdout).Encode(said) // who waits for it may have been killed
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		_ = unix.Dup3(int(null.Fd()), 1, 0) // a pipe with one end would only end this process
		null.Close()
	}
}

// collected keeps lines for later.
type collected struct{ lines []string }

func (c *collected) Line(text string) { c.lines = append(c.lines, text) }

func (c *collected) Layer(imagefs.LayerProgress) {}
