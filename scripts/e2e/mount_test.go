package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mount is a running `imagefs mount` with a store of its own.
type mount struct {
	t     *testing.T
	dir   string // the names tree
	root  string // the store
	cmd   *exec.Cmd
	said  *strings.Builder // what the holder and its servers wrote to stderr; complete once cmd has ended
	ended chan struct{}    // closed when it is
}

// newMount mounts a new store, and unmounts it when the test ends.
func newMount(t *testing.T, args ...string) *mount {
	t.Helper()
	return mountStore(t, filepath.Join(tempDir(t), "store"), args...)
}

// tempDir is like t.TempDir, but open to all users and with a short path.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(workDir, "t-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// mountStore mounts the store at root.
func mountStore(t *testing.T, root string, args ...string) *mount {
	t.Helper()
	dir := tempDir(t)
	m := &mount{t: t, dir: filepath.Join(dir, "images"), root: root}
	if err := os.Mkdir(m.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	m.start(args...)
	t.Cleanup(m.stop)
	return m
}

// start runs the holder and returns once it says that both trees answer. (That the trees answer is not enough: after a
// kill -9 of the last holder its server may answer for a moment yet.)
func (m *mount) start(args ...string) {
	m.t.Helper()
	m.cmd = exec.Command(binary, append([]string{"mount", "--root", m.root}, append(args, m.dir)...)...)
	stderr, err := m.cmd.StderrPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ready := make(chan struct{})
	said, ended := new(strings.Builder), make(chan struct{})
	m.said, m.ended = said, ended
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(said, lines.Text())
			if strings.HasSuffix(lines.Text(), " mounted on "+m.dir) {
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case <-ended:
		m.cmd.Wait()
		m.t.Fatalf("imagefs mount ended:\n%s", said)
	case <-time.After(time.Minute):
		m.cmd.Process.Kill()
		m.cmd.Wait()
		m.t.Fatal("imagefs mount is not ready")
	}
}

// stop unmounts, and fails the test if the holder does not end well.
func (m *mount) stop() {
	m.t.Helper()
	if m.cmd.ProcessState != nil {
		return
	}
	m.cmd.Process.Signal(syscall.SIGTERM)
	timeout := time.AfterFunc(20*time.Second, func() { m.cmd.Process.Kill() })
	defer timeout.Stop()
	<-m.ended
	if err := m.cmd.Wait(); err != nil {
		m.t.Errorf("imagefs mount: %v\n%s", err, m.said)
	} else if m.t.Failed() {
		m.t.Logf("imagefs mount said:\n%s", m.said)
	}
}

// servers are the holder's children that run now, whichever of its threads started them.
func (m *mount) servers() []int {
	m.t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", m.cmd.Process.Pid))
	if err != nil {
		m.t.Fatal(err)
	}
	var pids []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// eventually waits for a condition that another process makes true.
func (m *mount) eventually(what string, ok func() bool) {
	m.t.Helper()
	eventually(m.t, what, ok)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(60 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// path is a path below the mount.
func (m *mount) path(parts ...string) string {
	return filepath.Join(append([]string{m.dir}, parts...)...)
}

// pull writes a line to ctl/pull as a shell would, and fails the test if it fails.
func (m *mount) pull(line string) {
	m.t.Helper()
	if err := m.write("pull", line); err != nil {
		text, _ := os.ReadFile(m.path("ctl", "errors"))
		m.t.Fatalf("pull %s: %v\n%s", line, err, text)
	}
}

// write writes a line to a control file with one write(2).
func (m *mount) write(verb, line string) error {
	f, err := os.OpenFile(m.path("ctl", verb), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// tag is the directory of an image: its tag in the names tree.
func (m *mount) tag(name string, parts ...string) string {
	repository, tag, _ := cutLast(name, ":")
	return m.path(append([]string{repository, tag}, parts...)...)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// shell runs a command with bash, and returns what it printed and its error, which holds its stderr.
func shell(t *testing.T, command string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", command)
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	err := cmd.Run()
	if err != nil {
		err = errors.Join(err, errors.New(diag.String()))
	}
	return out.String(), err
}

// sh is shell for what must not fail.
func sh(t *testing.T, command string) string {
	t.Helper()
	out, err := shell(t, command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return out
}

func errnoOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

func hash(data []byte) [32]byte { return sha256.Sum256(data) }
