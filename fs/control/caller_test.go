package control

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// writer starts a process with namespaces of its own that first runs a script, and returns its number.
func writer(t *testing.T, script string, attr *syscall.SysProcAttr) uint32 {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("namespaces are root's")
	}
	cmd := exec.Command("sh", "-c", script+" && echo && read x")
	cmd.SysProcAttr = attr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); errors.Is(err, unix.EPERM) {
		t.Skip("no namespaces: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return uint32(cmd.Process.Pid)
}

func mustCaller(t *testing.T, pid uint32, own ...string) *caller {
	t.Helper()
	c, err := callerOf(pid, own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// Root of another user namespace may read no more than its user outside.
func TestCallerOfOtherUsers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for at := dir; at != "/" && at != os.TempDir(); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}}
	c := mustCaller(t, writer(t, "true", &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, Credential: &syscall.Credential{NoSetGroups: true},
	}))
	if f, err := c.open(path); err == nil {
		f.Close()
		t.Error("opened what only root may read")
	}
	c = mustCaller(t, writer(t, "true", nil))
	f, err := c.open(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// A path from / is one of the writer's mounts.
func TestCallerOfOtherMounts(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, []byte("outside"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("mount -t tmpfs none %s && printf inside > %s", dir, path)
	c := mustCaller(t, writer(t, script, &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}))
	f, err := c.open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); string(text) != "inside" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
}

// What lies in a mount of the server's own is refused by whatever path, and also if nobody may open it.
func TestCallerOfOwnMount(t *testing.T) {
	dir := t.TempDir()
	other := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, ""); errors.Is(err, unix.EPERM) {
		t.Skip("no mounts: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	if err := unix.Mount(dir, other, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(other, unix.MNT_DETACH)
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := mustCaller(t, uint32(os.Getpid()), dir)
	for _, at := range []string{dir, other} {
		if f, err := c.open(filepath.Join(at, "x")); err == nil {
			f.Close()
			t.Errorf("opened a file in %s", at)
		}
	}
}
