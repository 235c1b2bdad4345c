package e2e

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestServerKilled kills the server again and again, at random moments, while tar reads a root filesystem cold, a pull
// is in the middle of its download, and a shell stands in a directory of each tree. Nobody notices.
func TestServerKilled(t *testing.T) {
	underReaders(t, 40, func(m *mount, _ int) {
		before := m.servers()
		for _, pid := range before {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
		m.eventually("a successor runs", func() bool {
			after := m.servers()
			return len(after) == 1 && (len(before) == 0 || after[0] != before[0])
		})
	})
}

// TestUpgrade does the same with imagefs upgrade.
func TestUpgrade(t *testing.T) {
	underReaders(t, 10, func(m *mount, i int) {
		args := []string{"upgrade", m.dir}
		if out, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
			t.Errorf("upgrade %d: %v\n%s", i, err, out)
		}
	})
}

func underReaders(t *testing.T, times int, disturb func(*mount, int)) {
	name := debian(t)
	m := newMount(t)
	m.pull(name)
	rootfs := m.tag(name, "rootfs")
	want := tarSum(t, rootfs)
	shells := []*standing{standIn(t, filepath.Dir(m.tag(name))), standIn(t, rootfs+"/usr/bin/")}

	slow := newSlowRegistry(t, 4<<20)
	other := busyboxWith(t, 24<<20)
	pulled := make(chan error, 1)
	go func() {
		out, err := exec.Command("bash", "-c", "echo "+slow.name(other)+" > "+m.path("ctl", "pull")).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		pulled <- err
	}()

	stop, read := make(chan struct{}), make(chan error)
	go func() { read <- readCold(rootfs, want, stop) }()
	for i := range times {
		<-time.After(time.Duration(rand.IntN(300)) * time.Millisecond) // a random moment is the point
		disturb(m, i)
		for _, s := range shells {
			s.check()
		}
	}
	close(stop)
	if err := <-read; err != nil {
		t.Error(err)
	}
	slow.rate.Store(1 << 30)
	if err := <-pulled; err != nil {
		t.Error("pull: ", err)
	}
	if _, err := os.Stat(m.tag(slow.name(other), "rootfs", "bin", "busybox")); err != nil {
		t.Error(err)
	}
}

// readCold has tar read the tree cold until stop is closed, and compares each archive.
func readCold(rootfs, want string, stop <-chan struct{}) error {
	for n := 1; ; n++ {
		if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
			return err
		}
		got, err := exec.Command("bash", "-o", "pipefail", "-c", "tar -C "+rootfs+" -cf - . | sha256sum").CombinedOutput()
		if err != nil {
			return fmt.Errorf("tar: %w\n%s", err, got)
		}
		if string(got) != want {
			return fmt.Errorf("tar's bytes are wrong: %s, want %s", got, want)
		}
		select {
		case <-stop:
			if n > 1 {
				return nil
			}
		default:
		}
	}
}

func tarSum(t *testing.T, dir string) string {
	t.Helper()
	return sh(t, "set -o pipefail; tar -C "+dir+" -cf - . | sha256sum")
}

// standing is a shell that stands in a directory.
type standing struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func standIn(t *testing.T, dir string) *standing {
	t.Helper()
	cmd := exec.Command("bash")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &standing{t: t, in: in, out: bufio.NewReader(out)}
}

// check has the shell list its directory.
func (s *standing) check() {
	s.t.Helper()
	fmt.Fprintln(s.in, "ls >/dev/null && pwd -P >/dev/null && echo fine || echo broken")
	line, err := s.out.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "fine" {
		s.t.Errorf("the shell says %q, %v", line, err)
	}
}

// TestHolderKilled: after kill -9 of the holder, imagefs mount on the same directory just works.
func TestHolderKilled(t *testing.T) {
	name := busybox(t)
	m := newMount(t)
	m.pull(name)
	servers := m.servers()
	shell := standIn(t, m.tag(name, "rootfs"))
	shell.check()
	if err := m.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	m.cmd.Wait()
	for _, pid := range servers {
		m.eventually("the server ends with its holder", func() bool { return unix.Kill(pid, 0) == unix.ESRCH })
	}
	m.start()
	if _, err := os.Stat(m.tag(name, "rootfs", "bin", "busybox")); err != nil {
		t.Error(err)
	}
}
