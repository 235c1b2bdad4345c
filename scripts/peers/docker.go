package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Docker is a running dockerd with a data root of its own.
type Docker struct {
	dir  string
	host string // as in DOCKER_HOST
	proc *process
}

// StartDocker runs a dockerd that keeps everything in dir and trusts the registry at that address.
func StartDocker(dir, registry string) (*Docker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	d := &Docker{dir: dir, host: "unix://" + filepath.Join(dir, "d.sock")}
	cmd := exec.Command("dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--log-level=error",
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--host", d.host, "--insecure-registry", registry)
	var err error
	d.proc, err = start(dir, cmd, func() error {
		_, err := d.Run(context.Background(), "version")
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Command is a docker client command for this daemon, with the classic builder.
func (d *Docker) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+d.host, "DOCKER_CONFIG="+d.dir, "DOCKER_BUILDKIT=0")
	return cmd
}

// BuildKit is a command of Debian's client, which speaks with the BuildKit that is part of the daemon. Later ones need buildx.
func (d *Docker) BuildKit(ctx context.Context, args ...string) *exec.Cmd {
	cmd := d.Command(ctx, args...)
	cmd.Path = debianDocker
	cmd.Env = append(cmd.Env, "DOCKER_BUILDKIT=1")
	return cmd
}

const debianDocker = "/usr/bin/docker"

// Run runs a docker command and returns its stdout.
func (d *Docker) Run(ctx context.Context, args ...string) (string, error) {
	return run(d.Command(ctx, args...))
}

// Close ends the daemon; its data stays.
func (d *Docker) Close() {
	d.proc.close()
	// dockerd leaves this one mounted.
	_ = unix.Unmount(filepath.Join(d.dir, "exec", "netns", "default"), unix.MNT_DETACH)
}
