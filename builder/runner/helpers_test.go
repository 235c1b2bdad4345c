package runner

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// busybox makes a root filesystem of busybox and what a script makes in it.
func busybox(t *testing.T, script string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may run containers")
	}
	for _, program := range []string{"runc", "busybox"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("there is no " + program)
		}
	}
	dir := t.TempDir()
	cmd := exec.Command("sh", "-euc", `
		mkdir -m 755 bin etc tmp
		cp $(command -v busybox) bin/busybox
		for name in $(bin/busybox --list); do [ $name = busybox ] || ln -s busybox bin/$name; done
		printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n' > etc/passwd
		printf 'root:x:0:\nweb:x:1001:\nmore:x:1002:other,web\n' > etc/group
		`+script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// shell is a Spec that runs a script.
func shell(t *testing.T, rootfs, script string) Spec {
	id := strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")) + filepath.Base(t.TempDir())
	return Spec{
		ID: id, Dir: t.TempDir(), Rootfs: rootfs, Args: []string{"sh", "-c", script}, Hostname: "box", Network: None,
	}
}

// output runs the process, which must succeed, and returns what it says.
func output(t *testing.T, s Spec) string {
	t.Helper()
	out, code, err := result(t, s)
	if err != nil || code != 0 {
		t.Fatalf("%d, %v: %s", code, err, out)
	}
	return out
}

func result(t *testing.T, s Spec) (string, int, error) {
	t.Helper()
	var out bytes.Buffer
	s.Stdout, s.Stderr = &out, &out
	code, err := Run(t.Context(), s)
	left, _ := filepath.Glob("/sys/fs/cgroup/*/imagefs-" + s.ID)
	if len(left) > 0 {
		t.Errorf("cgroups are left: %s", left)
	}
	return out.String(), code, err
}
