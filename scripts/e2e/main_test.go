package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/imagefs/imagefs/scripts/peers"
)

var (
	workDir string // removed at the end
	binary  string // the imagefs under test
	shared  struct {
		registry *peers.Registry
		docker   *peers.Docker
	}
)

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	if workDir, err = os.MkdirTemp("", "imagefs-e2e-"); err != nil {
		return 0, err
	}
	if err := os.Chmod(workDir, 0o755); err != nil { // for the tests of unprivileged users
		return 0, err
	}
	defer func() {
		if shared.docker != nil {
			shared.docker.Close()
		}
		if shared.registry != nil {
			shared.registry.Close()
		}
		if left := leftMounts(); err == nil && len(left) > 0 {
			err = fmt.Errorf("mounts left behind: %q", left)
		}
		if e := os.RemoveAll(workDir); err == nil {
			err = e
		}
	}()
	binary = filepath.Join(workDir, "imagefs")
	if out, err := exec.Command("go", "build", "-race", "-o", binary, "../../cmd/imagefs").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	return m.Run(), nil
}

// leftMounts lists the mount points below the tests' directories.
func leftMounts() []string {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return []string{err.Error()}
	}
	var left []string
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && (strings.HasPrefix(f[1], workDir) || strings.HasPrefix(f[1], "/run/imagefs/")) {
			left = append(left, f[1])
		}
	}
	return left
}

// need skips the test, with the reason, where it cannot run.
func need(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: real mounts, dockerd, device nodes")
	}
	if missing := peers.Missing(programs...); len(missing) > 0 {
		t.Skipf("not installed: %s", strings.Join(missing, ", "))
	}
}

var startRegistry = sync.OnceValue(func() (err error) {
	shared.registry, err = peers.StartRegistry(filepath.Join(workDir, "registry"))
	return err
})

var startDocker = sync.OnceValue(func() (err error) {
	if err := startRegistry(); err != nil {
		return err
	}
	shared.docker, err = peers.StartDocker(filepath.Join(workDir, "docker"), shared.registry.Addr)
	return err
})

var buildBusybox = sync.OnceValues(func() (string, error) {
	if err := startDocker(); err != nil {
		return "", err
	}
	return peers.BuildBusybox(context.Background(), shared.docker, shared.registry.Addr, workDir, "1.35")
})

var buildDebian = sync.OnceValues(func() (string, error) {
	if err := startDocker(); err != nil {
		return "", err
	}
	rootfs, err := peers.DebianRootfs(context.Background(), "../../.cache")
	if err != nil {
		return "", err
	}
	return peers.BuildDebian(context.Background(), shared.docker, shared.registry.Addr, workDir, rootfs)
})

func busybox(t *testing.T) string {
	t.Helper()
	need(t, "docker-registry", "dockerd", "docker", "busybox")
	return must(t)(buildBusybox())
}

func debian(t *testing.T) string {
	t.Helper()
	need(t, "docker-registry", "dockerd", "docker", "mmdebstrap")
	return must(t)(buildDebian())
}

// must returns a function that passes on a string, or fails the test with the error beside it.
func must(t *testing.T) func(string, error) string {
	return func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}
