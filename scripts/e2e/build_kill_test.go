package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killed is a build that spends its time in copying, in what runs, and in making layers of that. TOKEN is in the
// command line of what runs.
const killed = `FROM scratch
COPY busybox noise /bin/
ARG TOKEN
RUN ["/bin/busybox", "sh", "-c", ": $TOKEN; /bin/busybox cp /bin/noise /a; /bin/busybox sleep 0.2"]
COPY noise /b
RUN --network=none ["/bin/busybox", "sh", "-c", ": $TOKEN; /bin/busybox cp /bin/noise /c; /bin/busybox rm /a"]
`

// TestKilledBuild kills builds at many moments: what is left goes by itself, and the next build works.
func TestKilledBuild(t *testing.T) {
	need(t, "runc", "busybox")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or each process takes a second more
	dir := tempDir(t)
	sh(t, "cp /bin/busybox "+dir+"; head -c 3000000 /dev/urandom > "+dir+"/noise")
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(killed), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Run("command", func(t *testing.T) {
		b := &killedBuild{t: t, root: filepath.Join(tempDir(t), "store")}
		b.run = func() (victims func() []int, wait func() error) {
			cmd := exec.Command(binary, "build", "--root", b.root, "--no-cache", "--build-arg", "TOKEN="+b.token(), "-t", "x", dir)
			cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1")
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			return func() []int { return b.builders(cmd.Process.Pid) }, func() error {
				if err := cmd.Wait(); err != nil {
					return fmt.Errorf("%w\n%s", err, out.String())
				}
				return nil
			}
		}
		b.killAll(20)
	})
	t.Run("server", func(t *testing.T) {
		m := newMount(t)
		b := &killedBuild{t: t, root: m.root}
		b.run = func() (victims func() []int, wait func() error) {
			done := make(chan error, 1)
			go func() {
				done <- m.write("build", "--no-cache --build-arg SOURCE_DATE_EPOCH=1 --build-arg TOKEN="+b.token()+" -t x "+dir)
			}()
			return m.servers, func() error { return <-done } // a successor answers
		}
		b.killAll(10)
	})
}

// killedBuild is a build that is made again and again.
type killedBuild struct {
	t    *testing.T
	root string
	// run starts the build: victims are the processes to kill, of which one is chosen.
	run func() (victims func() []int, wait func() error)
}

// token is in all command lines of the build.
func (b *killedBuild) token() string { return strings.ReplaceAll(b.root, "/", "-") }

func (b *killedBuild) killAll(moments int) {
	b.t.Helper()
	begin := time.Now()
	_, wait := b.run()
	if err := wait(); err != nil {
		b.t.Fatal(err)
	}
	whole := time.Since(begin)
	index := b.index()
	const seed = 5
	random := rand.New(rand.NewPCG(seed, seed))
	for i := range moments {
		after := whole * time.Duration(i*100+random.IntN(100)) / time.Duration(moments*100)
		victims, wait := b.run()
		var killed []int
		timer := time.AfterFunc(after, func() {
			if killed = victims(); len(killed) > 0 {
				_ = syscall.Kill(killed[random.IntN(len(killed))], syscall.SIGKILL)
			}
		})
		ids := b.containers(after)
		_ = wait() // what was killed has failed; a successor has not
		timer.Stop()
		b.check(ids)
		if b.index() != index {
			b.t.Errorf("after %v: index.json was %s\nand is %s", after, index, b.index())
		}
		_, wait = b.run()
		if err := wait(); err != nil {
			b.t.Fatalf("after %v: the next build: %v", after, err)
		}
		if b.index() != index {
			b.t.Errorf("after %v and the next build: index.json was %s\nand is %s", after, index, b.index())
		}
	}
}

func (b *killedBuild) index() string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.root, "index.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// containers collects, for a while, the IDs of the build's containers.
func (b *killedBuild) containers(long time.Duration) (ids []string) {
	for tick, end := time.NewTicker(5*time.Millisecond), time.After(long); ; {
		paths, _ := filepath.Glob(filepath.Join(b.root, "building", "*", "containers", "*", "config.json"))
		for _, path := range paths {
			var c struct{ Id string }
			if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &c) == nil {
				ids = append(ids, c.Id)
			}
		}
		select {
		case <-tick.C:
		case <-end:
			tick.Stop()
			return ids
		}
	}
}

// check waits until nothing is left of a build but what a cache may have.
func (b *killedBuild) check(ids []string) {
	b.t.Helper()
	eventually(b.t, "the sweeper ends", func() bool { return len(b.processes("sweep\x00"+b.root)) == 0 })
	for _, part := range []string{b.token(), "runner\x00" + b.root} {
		if left := b.processes(part); len(left) > 0 {
			b.t.Errorf("processes are left: %q", left)
		}
	}
	if left, err := filepath.Glob(filepath.Join(b.root, "building", "*")); err != nil || len(left) > 0 {
		b.t.Errorf("%q is left, %v", left, err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || bytes.Contains(mounts, []byte(b.root)) {
		b.t.Errorf("a mount is left: %v\n%s", err, mounts)
	}
	for _, id := range ids {
		for _, pattern := range []string{"/sys/fs/cgroup/imagefs-", "/sys/fs/cgroup/*/imagefs-"} {
			if left, err := filepath.Glob(pattern + id); err != nil || len(left) > 0 {
				b.t.Errorf("%q is left, %v", left, err)
			}
		}
	}
}

// processes are the command lines of all processes that have a part.
func (b *killedBuild) processes(part string) (found []string) {
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, path := range paths {
		if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(part)) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// builders are the processes through which a build goes: itself, and where it mounts the store, who does that, and
// another.
func (b *killedBuild) builders(pid int) (all []int) {
	for pid > 0 {
		all = append(all, pid)
		pid = b.childOf(pid)
	}
	return all
}

// childOf is a child that builds, or mounts the store; 0 if there is none.
func (b *killedBuild) childOf(pid int) int {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		b.t.Error(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			b.t.Error(err)
		}
		for _, word := range strings.Fields(string(text)) {
			line, _ := os.ReadFile("/proc/" + word + "/cmdline")
			args := strings.Split(string(line), "\x00")
			if len(args) > 1 && (args[1] == "private" || args[1] == "build") {
				child, _ := strconv.Atoi(word)
				return child
			}
		}
	}
	return 0
}
