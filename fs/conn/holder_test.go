package conn

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestUpgrade(t *testing.T) {
	h := hold(t, "names", 16)
	old := h.pidAfter(t, 0)
	if err := h.holder.Upgrade(context.Background(), "content"); err != nil {
		t.Fatal(err)
	}
	pid := h.pidAfter(t, old)
	h.readable(t)
	// Its successors are of the new binary.
	syscall.Kill(pid, syscall.SIGKILL)
	pid = h.pidAfter(t, pid)
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil || !strings.Contains(string(env), helperEnv+"=content") {
		t.Errorf("the successor is another: %v", err)
	}
	if err := h.holder.Upgrade(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	h.pidAfter(t, pid)
}

func TestUpgradeRefused(t *testing.T) {
	h := hold(t, "names", 16)
	cmd := h.writer(t)
	gate := h.atGate(t) // and through all of what follows the write waits
	for helper, want := range map[string]string{
		"stranger": "max_write",
		"refuser":  "the store is of a newer version",
		"nonsense": "exit status",
	} {
		err := h.holder.Upgrade(context.Background(), helper)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("upgrade to %s: %v, want %q", helper, err, want)
		}
		h.readable(t)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := h.holder.Upgrade(ctx, "mute"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("upgrade to mute: %v", err)
	}
	h.readable(t)
	gate.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestPoison reads a file that no server survives.
func TestPoison(t *testing.T) {
	h := hold(t, "content", 16)
	pid := h.pidAfter(t, 0)
	if _, err := cat(h.dir + "/poison"); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want EIO", err)
	}
	if next := h.pidAfter(t, pid); next == pid {
		t.Error("no server died")
	}
	h.readable(t)
}

// TestAbortStopped frees the reader of a server that was stopped.
func TestAbortStopped(t *testing.T) {
	h := hold(t, "names", 8)
	pid := h.pidAfter(t, 0)
	syscall.Kill(pid, syscall.SIGSTOP)
	reader := exec.Command("cat", h.dir+"/d1/f1")
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	if err := Abort(h.dir); err != nil {
		t.Error(err)
	}
	if err := reader.Wait(); err == nil {
		t.Error("read from a stopped server")
	}
	syscall.Kill(pid, syscall.SIGCONT)
}

func TestFirstServerRefuses(t *testing.T) {
	m := mountToy(t, 8)
	h := Holder{Log: t.Logf, Command: func(string) *exec.Cmd { return helperCommand("refuser") }}
	err := h.Run(context.Background())
	if err == nil || err.Error() != "the store is of a newer version" {
		t.Errorf("Run: %v", err)
	}
	if err := h.Upgrade(context.Background(), ""); err != errEnded {
		t.Errorf("Upgrade after the end: %v", err)
	}
	if err := Unmount(m.dir, false); err != nil {
		t.Error(err)
	}
}

func TestHolderContext(t *testing.T) {
	m := mountToy(t, 8)
	ctx, cancel := context.WithCancel(context.Background())
	h := Holder{
		Files: []*os.File{m.dev, m.slots}, Log: t.Logf,
		Command: func(string) *exec.Cmd { return helperCommand("content") },
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	if _, err := cat(m.dir + "/d1/f1"); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

// TestHolderKilled looks for the server of a holder that was killed.
func TestHolderKilled(t *testing.T) {
	m := mountToy(t, 8)
	pidFile := t.TempDir() + "/pid"
	cmd := helperCommand("holder")
	cmd.Env = append(cmd.Env, pidFileEnv+"="+pidFile)
	cmd.ExtraFiles = []*os.File{m.dev, m.slots}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &held{mounted: m, pidFile: pidFile}
	pid := h.pidAfter(t, 0)
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "the server dies", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// holdHelper is a holder whose server is of the kind "content".
func holdHelper() error {
	h := Holder{
		Files:   []*os.File{os.NewFile(3, "device"), os.NewFile(4, "slots")},
		Log:     func(string, ...any) {},
		Command: func(string) *exec.Cmd { return helperCommand("content") },
	}
	return h.Run(context.Background())
}
