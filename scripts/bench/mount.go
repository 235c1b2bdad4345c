package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/imagefs/imagefs/scripts/peers"
)

// mount is a running `imagefs mount`.
type mount struct {
	dir, root string
}

func startMount(ctx context.Context, dir string) (*mount, error) {
	m := &mount{dir: filepath.Join(dir, "images"), root: filepath.Join(dir, "store")}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return nil, err
	}
	_, err := peers.Run(ctx, "bin/imagefs", "mount", "-d", "--root", m.root, m.dir)
	return m, err
}

func (m *mount) close() {
	if _, err := peers.Run(context.Background(), "bin/imagefs", "umount", m.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// pull writes a line to ctl/pull.
func (m *mount) pull(line string) error {
	return os.WriteFile(filepath.Join(m.dir, "ctl", "pull"), []byte(line+"\n"), 0)
}

// tag is the directory of an image below the mount.
func (m *mount) tag(name string, parts ...string) string {
	i := strings.LastIndex(name, ":")
	return filepath.Join(append([]string{m.dir, name[:i], name[i+1:]}, parts...)...)
}

// imagefs runs a command on the mount's store.
func (m *mount) imagefs(ctx context.Context, verb string, args ...string) error {
	_, err := peers.Run(ctx, "bin/imagefs", append([]string{verb, "--root", m.root}, args...)...)
	return err
}

// shell runs a command whose output does not matter.
func shell(ctx context.Context, command string) error {
	cmd := exec.CommandContext(ctx, "bash", "-c", "set -o pipefail; "+command)
	var diag bytes.Buffer
	cmd.Stderr = &diag
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, diag.Bytes())
	}
	return nil
}

// dropCaches empties the page cache, and the caches of names and attributes.
func dropCaches() error {
	syscall.Sync()
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3\n"), 0)
}
