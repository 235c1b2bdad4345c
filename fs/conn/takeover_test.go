package conn

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
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
	var (
		readers sync.WaitGroup
		stop    atomic.Bool
		files   atomic.Int64
		f       = newToy()
	)
	for range 4 {
		readers.Go(func() {
			for !stop.Load() {
				d, i := rand.IntN(f.dirs), rand.IntN(f.files)
				got, err := os.ReadFile(h.path(fmt.Sprint("d", d), fmt.Sprint("f", i)))
				if err != nil {
					t.Error(err)
					return
				}
				if sha256.Sum256(got) != f.sum(uint64(2+d)*1000+uint64(i)) {
					t.Errorf("d%d/f%d has wrong bytes", d, i)
					return
				}
				files.Add(1)
			}
		})
	}
	pid := 0
	for range kills {
		pid = h.pidAfter(t, pid)
		read := files.Load()
		eventually(t, "a file is read", func() bool { return files.Load() > read })
		time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond) // a random moment, not a wait
		syscall.Kill(pid, syscall.SIGKILL)
	}
	stop.Store(true)
	readers.Wait()
	t.Logf("%d files read", files.Load())
}

func TestBlockingWriteSurvivesKills(t *testing.T) {
	h := hold(t, "names", 16)
	cmd := exec.Command("sh", "-c", "echo x > gate")
	cmd.Dir = h.dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
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
		t.Run(when+" a takeover", func(t *testing.T) {
			h := hold(t, "names", 16)
			cmd := exec.Command("sh", "-c", "echo x > gate")
			cmd.Dir = h.dir
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// Kept open until the end, so that only the interrupt can end the write.
			defer h.atGate(t).Close()
			pid := h.pidAfter(t, 0)
			switch when {
			case "after":
				syscall.Kill(pid, syscall.SIGKILL)
				h.pidAfter(t, pid)
				defer h.atGate(t).Close()
			case "while":
				// The INTERRUPT is read and answered by a server that cannot end its write.
				syscall.Kill(pid, syscall.SIGSTOP)
				cmd.Process.Signal(syscall.SIGINT)
				syscall.Kill(pid, syscall.SIGKILL)
			}
			if when != "while" {
				cmd.Process.Signal(syscall.SIGINT)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) {
				t.Fatalf("sh ended: %v", err)
			}
		})
	}
}
