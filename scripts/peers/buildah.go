package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Buildah is a buildah with a store of its own.
type Buildah struct{ dir string }

// NewBuildah makes an empty store in dir.
func NewBuildah(dir string) (*Buildah, error) {
	return &Buildah{dir}, os.MkdirAll(filepath.Join(dir, "tmp"), 0o700)
}

// Command is a command on that store.
func (b *Buildah) Command(ctx context.Context, args ...string) *exec.Cmd {
	of := []string{"--root", filepath.Join(b.dir, "store"), "--runroot", filepath.Join(b.dir, "run"), "--storage-driver", "overlay"}
	cmd := exec.CommandContext(ctx, "buildah", append(of, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(b.dir, "tmp"))
	return cmd
}

// Run runs a command, and returns its stdout.
func (b *Buildah) Run(ctx context.Context, args ...string) (string, error) {
	return run(b.Command(ctx, args...))
}

// Close takes down what the store has mounted; its files stay.
func (b *Buildah) Close() {
	_ = unix.Unmount(filepath.Join(b.dir, "store", "overlay"), unix.MNT_DETACH) // it may not be mounted
}
