//go:build buildkit

package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// BuildKit is a running buildkitd with a root of its own. It is in PATH, as buildctl is: scripts/test-buildkit makes both.
type BuildKit struct {
	Addr string // as in BUILDKIT_HOST
	proc *process
}

// StartBuildKit runs a buildkitd that keeps everything in dir.
func StartBuildKit(dir string) (*BuildKit, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	b := &BuildKit{Addr: "unix://" + filepath.Join(dir, "b.sock")}
	cmd := exec.Command("buildkitd", "--config", "/dev/null", "--root", filepath.Join(dir, "root"), "--addr", b.Addr,
		"--containerd-worker=false", "--oci-worker-net=host", "--oci-worker-snapshotter=overlayfs")
	var err error
	b.proc, err = start(dir, cmd, func() error {
		_, err := Run(context.Background(), "buildctl", "--addr", b.Addr, "debug", "workers")
		return err
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Close ends the daemon; its data stays.
func (b *BuildKit) Close() { b.proc.close() }
