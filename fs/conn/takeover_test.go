package conn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o600) }

// atGate waits until a write has reached its handler, and returns what lets it go on.
func (h *held) atGate(t *testing.T) *os.File {
	t.Helper()
	var fd int
	eventually(t, "the write's handler", func() (ok bool) {
		var err error
		fd, err = syscall.Open(h.fifo, syscall.O_WRONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		return err == nil
	})
	return os.NewFile(uintptr(fd), h.fifo)
}

func TestKillsUnderReaders(t *testing.T) {
	for _, helper := range []string{"content", "names"} {
		for _, procs := range []string{"2", "1"} {
			t.Run(helper+"/GOMAXPROCS="+procs, func(t *testing.T) {
				killUnderReaders(t, hold(t, helper, 16, "GOMAXPROCS="+procs), 30)
			})
		}
	}
}

func killUnderReaders(t *testing.T, h *held, kills int) {
	r := startReaders(t, h.dir)
	pid := 0
	for range kills {
		pid = h.pidAfter(t, pid)
		before := r.files.Load()
		eventually(t, "a file is read", func() bool { return r.files.Load() > before })
		time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond) // a random moment, not a wait
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	t.Logf("%d files read", r.files.Load())
}

func TestBlockingWriteSurvivesKills(t *testing.T) {
	for _, procs := range []string{"2", "1"} {
		t.Run("GOMAXPROCS="+procs, func(t *testing.T) {
			blockThroughKills(t, hold(t, "names", 16, "GOMAXPROCS="+procs))
		})
	}
}

func blockThroughKills(t *testing.T, h *held) {
	cmd := h.writer(t)
	pid := h.pidAfter(t, 0)
	for range 5 {
		gate := h.atGate(t)
		syscall.Kill(pid, syscall.SIGKILL)
		gate.Close() // its reader is dead already
		pid = h.pidAfter(t, pid)
	}
	h.atGate(t).Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestInterrupt(t *testing.T) {
	for _, when := range []string{"before", "after", "while"} {
		for _, procs := range []string{"2", "1"} {
			t.Run(when+" a takeover/GOMAXPROCS="+procs, func(t *testing.T) {
				interruptWrite(t, hold(t, "names", 16, "GOMAXPROCS="+procs), when)
			})
		}
	}
}

func interruptWrite(t *testing.T, h *held, when string) {
	cmd := h.writer(t)
	// Kept open until the end, so that only the interrupt can end the write.
	defer h.atGate(t).Close()
	pid := h.pidAfter(t, 0)
	switch when {
	case "before":
		cmd.Process.Signal(syscall.SIGINT)
	case "after":
		syscall.Kill(pid, syscall.SIGKILL)
		h.pidAfter(t, pid)
		defer h.atGate(t).Close()
		cmd.Process.Signal(syscall.SIGINT)
	case "while":
		syscall.Kill(pid, syscall.SIGSTOP)
		cmd.Process.Signal(syscall.SIGINT)
		syscall.Kill(pid, syscall.SIGKILL)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Fatalf("sh ended: %v", err)
	}
}

// TestHarmlessSignal has a job in a shell's background end while the shell writes, and interrupts the write later.
func TestHarmlessSignal(t *testing.T) {
	for _, helper := range []string{"no takeover", "takeover"} {
		t.Run(helper, func(t *testing.T) {
			h := hold(t, "names", 16)
			shell := exec.Command("bash", "-c", `sleep 0.05 & echo x > "$0"`, h.dir+"/gate")
			if err := shell.Start(); err != nil {
				t.Fatal(err)
			}
			defer h.atGate(t).Close()
			eventually(t, "SIGCHLD waits for the shell", func() bool {
				status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", shell.Process.Pid))
				return err == nil && strings.Contains(string(status), "ShdPnd:\t0000000000010000")
			})
			if helper == "takeover" {
				pid := h.pidAfter(t, 0)
				syscall.Kill(pid, syscall.SIGKILL)
				h.pidAfter(t, pid)
				defer h.atGate(t).Close()
			}
			ended := make(chan error, 1)
			go func() { ended <- shell.Wait() }()
			select {
			case err := <-ended:
				t.Fatalf("the shell ended: %v", err)
			case <-time.After(3 * watching):
			}
			shell.Process.Signal(syscall.SIGTERM)
			var exit *exec.ExitError
			if err := <-ended; !errors.As(err, &exit) {
				t.Errorf("the shell ended: %v", err)
			}
		})
	}
}

func TestStops(t *testing.T) {
	for name, test := range map[string]struct {
		status string
		want   bool
	}{
		"nothing waits":      {"SigPnd:\t0000000000000000\nSigCgt:\t0000000000010002\n", false},
		"SIGINT, default":    {"ShdPnd:\t0000000000000002\nSigCgt:\t0000000000000000\n", true},
		"SIGINT, handled":    {"ShdPnd:\t0000000000000002\nSigCgt:\t0000000000010002\n", true},
		"SIGINT, blocked":    {"ShdPnd:\t0000000000000002\nSigBlk:\t0000000000000002\n", false},
		"SIGKILL":            {"SigPnd:\t0000000000000100\nSigCgt:\t0000000000010002\n", true},
		"SIGCHLD, handled":   {"ShdPnd:\t0000000000010000\nSigCgt:\t0000000000010002\n", false},
		"both":               {"ShdPnd:\t0000000000010002\nSigCgt:\t0000000000010002\n", true},
		"SIGVTALRM, default": {"SigPnd:\t0000000002000000\nSigCgt:\t0000000000010002\n", true},
		"nonsense":           {"SigPnd:\tx\n", true},
	} {
		if got := stops(test.status); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
