package runner

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Helper is the first argument that makes this binary the helper: its main calls [Help] with the others.
const Helper = "runner"

const (
	lifeFD    = 3
	resultsFD = 4
	holdFD    = 5
)

// Help is the helper. It returns only if it cannot say what became of the process.
func Help(args []string) error {
	if len(args) != 1 || os.Getpid() != 1 {
		return errors.New("this is started by imagefs itself")
	}
	unix.CloseOnExec(lifeFD)
	unix.CloseOnExec(resultsFD)
	unix.CloseOnExec(holdFD)               // if there is none, it is nothing
	signal.Notify(make(chan os.Signal, 1)) // a terminal's are for the process, and to ignore them would be inherited
	h := helper{dir: args[0], life: os.NewFile(lifeFD, "life"), out: json.NewEncoder(os.NewFile(resultsFD, "results"))}
	code, err := h.run()
	var failed *Error
	if err != nil && !errors.As(err, &failed) {
		failed = &Error{Code: ExitFailed, Message: err.Error()}
	}
	err = h.out.Encode(report{Ended: true, Code: code, Error: failed})
	if err == nil {
		unix.Exit(0) // at once: all that is in the namespace waits for this, and a race detector would take a second
	}
	return err
}

type helper struct {
	Spec
	dir  string
	life *os.File
	out  *json.Encoder

	stderr gate // runc's, which is the process's, too, unless that has a terminal
}

func (h *helper) run() (code int, err error) {
	if _, err := io.ReadFull(h.life, make([]byte, 1)); err != nil { // goAhead, or nothing is to be done
		return 0, err
	}
	text, err := os.ReadFile(h.path("spec.json"))
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(text, &h.Spec); err != nil {
		return 0, err
	}
	if err := h.prepare(); err != nil {
		return 0, err
	}
	for _, name := range []string{"log", "pid"} {
		if err := os.Remove(h.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	cmd := exec.Command("runc", "--root", h.path("runc"), "--log", h.path("log"), "--log-format", "json",
		"run", "--bundle", h.dir, "--pid-file", h.path("pid"), h.ID)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, &h.stderr
	err = h.follow(cmd)
	if errors.Is(err, exec.ErrNotFound) {
		return 0, &Error{Code: ExitFailed, Message: "there is no runc, which runs containers"}
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if failed := h.failure(); failed != nil && err != nil {
		return 0, failed
	}
	h.stderr.open()
	return cmd.ProcessState.ExitCode(), nil
}

func (h *helper) path(name string) string { return filepath.Join(h.dir, name) }

// prepare makes all that runc needs. The namespaces are this process's, so what it mounts goes with it.
func (h *helper) prepare() error {
	unix.Umask(0o022) // what is made to mount something over has the same mode whoever the caller is
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	if err := h.mountOverlay(); err != nil {
		return err
	}
	if err := h.writeFiles(); err != nil {
		return err
	}
	if h.Network == Pasta {
		if err := h.startPasta(); err != nil {
			return err
		}
	}
	spec, err := h.ociSpec()
	if err != nil {
		return err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(h.path("config.json"), text, 0o600)
}

// overlayWait is how long a lower directory may take to come: a content tree learns of a new image a moment after it is
// published, and tells nobody.
const overlayWait = 5 * time.Second

func (h *helper) mountOverlay() error {
	if h.Overlay == "" {
		return nil
	}
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		err := unix.Mount("overlay", h.Rootfs, "overlay", 0, h.Overlay)
		if err == nil {
			return nil
		}
		if err != unix.ENOENT || time.Since(begin) > overlayWait {
			failed := &Error{Code: ExitFailed, Message: fmt.Sprintf("mount %s: %v", h.Rootfs, err)}
			errors.As(err, &failed.Mount)
			return failed
		}
	}
}

func (h *helper) follow(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	started := make(chan int, 1) // the process's number
	told := make(chan struct{})
	go func() {
		defer close(told)
		h.awaitStart(started, ended)
	}()
	go h.passSignals(cmd, started) // until this process ends
	err := cmd.Wait()
	close(ended)
	<-told
	return err
}

// awaitStart waits for runc to say that the process runs, which it may have done just before it ended.
func (h *helper) awaitStart(started chan<- int, ended <-chan struct{}) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for last := false; ; {
		text, err := os.ReadFile(h.path("pid"))
		if pid, bad := strconv.Atoi(string(text)); err == nil && bad == nil {
			started <- pid
			h.stderr.open()
			_ = h.out.Encode(report{Started: true}) // if nobody reads it, life has ended
			return
		}
		if last {
			return
		}
		select {
		case <-tick.C:
		case <-ended:
			last = true
		}
	}
}

// patience is how long runc may take to clean up after a process that was killed.
const patience = 5 * time.Second

// passSignals sends what the caller sends. When the caller ends, all ends.
func (h *helper) passSignals(cmd *exec.Cmd, started <-chan int) {
	defer func() { time.AfterFunc(patience, func() { os.Exit(1) }) }()
	in := bufio.NewReader(h.life)
	var pid int
	for {
		number, err := in.ReadByte()
		if pid == 0 {
			select {
			case pid = <-started:
			case <-time.After(patience):
				_ = cmd.Process.Kill()
				return
			}
		}
		if err != nil {
			_ = unix.Kill(pid, unix.SIGKILL)
			return
		}
		_ = unix.Kill(pid, unix.Signal(number)) // it may have ended
	}
}

// failure is what runc says went wrong; nil if the process ran.
func (h *helper) failure() error {
	text, err := os.ReadFile(h.path("log"))
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(text) {
		var said struct{ Level, Msg string }
		if json.Unmarshal(line, &said) == nil && (said.Level == "error" || said.Level == "fatal") {
			return &Error{Code: codeOf(said.Msg), Message: "OCI runtime create failed: " + said.Msg}
		}
	}
	return nil
}

// codeOf reads runc's words, as docker does (moby daemon/start.go).
func codeOf(message string) int {
	message = strings.ToLower(message)
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(message, word) {
				return true
			}
		}
		return false
	}
	switch {
	case has("executable file not found", "no such file or directory", "system cannot find the file specified"):
		return ExitNotFound
	case has(unix.EACCES.Error(), unix.EISDIR.Error(), unix.ENOEXEC.Error(), "is a directory"):
		return ExitDenied
	}
	return ExitFailed
}

// say is how a program that failed is told of: by its last words.
func say(what string, output []byte, err error) error {
	if words := strings.TrimSpace(string(output)); words != "" {
		lines := strings.Split(words, "\n")
		return fmt.Errorf("%s: %s", what, lines[len(lines)-1])
	}
	return fmt.Errorf("%s: %w", what, err)
}
