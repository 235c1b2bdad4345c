package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/profiles/seccomp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/imagefs/imagefs/scripts/peers"
)

// compareBuild: a COPY of 2,000 files onto the 289 MB image, the same once more, and what a RUN costs.
func compareBuild(ctx context.Context, l *lab) error {
	b := &builds{lab: l, dir: filepath.Join(l.dir, "context")}
	var err error
	if b.buildah, err = peers.NewBuildah(filepath.Join(l.dir, "buildah")); err != nil {
		return err
	}
	defer b.buildah.Close()
	if err := l.mount.pull(l.debian); err != nil {
		return err
	}
	if _, err := b.buildah.Run(ctx, "pull", "-q", "--tls-verify=false", l.debian); err != nil {
		return err
	}
	if err := b.writeContext(); err != nil {
		return err
	}
	if err := l.race(b.contenders(ctx, "2,000 files", b.change)...); err != nil {
		return err
	}
	if err := l.race(b.contenders(ctx, "cached", nil, "--layers")...); err != nil {
		return err
	}
	return b.reportRun(ctx)
}

// builds are the builders, and what they build.
type builds struct {
	*lab
	dir     string
	buildah *peers.Buildah
	changes int
}

func (b *builds) writeContext() error {
	for d := range 20 {
		dir := filepath.Join(b.dir, fmt.Sprintf("src/%02d", d))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for f := range 100 {
			text := strings.Repeat(fmt.Sprintf("line of file %d in %d\n", f, d), 100)
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.txt", f)), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return b.dockerfile("COPY src /srv/app/\nCMD [\"true\"]\n")
}

func (b *builds) dockerfile(steps string) error {
	return os.WriteFile(filepath.Join(b.dir, "Dockerfile"), []byte("FROM "+b.debian+"\n"+steps), 0o644)
}

// change changes one file, so that nobody has the COPY in a cache.
func (b *builds) change() error {
	b.changes++
	return os.WriteFile(filepath.Join(b.dir, "src/10/050.txt"), fmt.Appendf(nil, "change %d\n", b.changes), 0o644)
}

// contenders build the context; options are buildah's.
func (b *builds) contenders(ctx context.Context, what string, prepare func() error, options ...string) []contender {
	bud := append([]string{"bud", "-q", "--isolation", "chroot", "-t", "bench"}, append(options, b.dir)...)
	return []contender{
		{what + ": imagefs build", prepare, func() error { return b.mount.imagefs(ctx, "build", "-q", "-t", "bench", b.dir) }},
		{what + ": docker build", prepare, func() error {
			_, err := b.docker.Run(ctx, "build", "-q", "-t", "bench", b.dir)
			return err
		}},
		{what + ": docker build, BuildKit", prepare, func() error {
			return quiet(b.docker.BuildKit(ctx, "build", "-q", "-t", "bench-buildkit", b.dir))
		}},
		{what + ": buildah bud", prepare, func() error {
			_, err := b.buildah.Run(ctx, bud...)
			return err
		}},
	}
}

func quiet(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

const manyRuns = 10

// reportRun: what a step that runs /bin/true adds to a build, beside runc that runs it, in the same root filesystem.
func (b *builds) reportRun(ctx context.Context) error {
	var runc []contender
	for _, confined := range []bool{true, false} {
		bundle, err := b.bundle(ctx, confined)
		if err != nil {
			return err
		}
		runc = append(runc, contender{"runc run", nil, func() error { return b.run(ctx, bundle) }})
	}
	build := func() error {
		return b.mount.imagefs(ctx, "build", "-q", "--no-cache", "--network", "none", "-t", "ran", b.dir)
	}
	docker := func() error {
		_, err := b.docker.Run(ctx, "build", "-q", "--no-cache", "--network", "none", "-t", "ran", b.dir)
		return err
	}
	without := func() error { return b.dockerfile("CMD [\"true\"]\n") }
	with := func() error {
		return b.dockerfile(strings.Repeat("RUN [\"/bin/true\"]\n", manyRuns) + "CMD [\"true\"]\n")
	}
	medians, err := b.medians(append(runc,
		contender{"imagefs build without RUN", without, build}, contender{"imagefs build with RUN", with, build},
		contender{"docker build without RUN", without, docker}, contender{"docker build with RUN", with, docker},
	)...)
	if err != nil {
		return err
	}
	for _, row := range []struct {
		name string
		time time.Duration
	}{
		{"runc run, with docker's seccomp profile", medians[0]}, {"runc run, without", medians[1]},
		{"imagefs: what a RUN adds", medians[3] - medians[2]}, {"docker: what a RUN adds", medians[5] - medians[4]},
	} {
		one := row.time / manyRuns
		fmt.Printf("  %-44s %8.3f s   %6.2f × runc run\n", row.name, one.Seconds(), row.time.Seconds()/medians[0].Seconds())
	}
	return nil
}

// run has runc run a bundle, as often as a build has RUNs.
func (b *builds) run(ctx context.Context, bundle string) error {
	for i := range manyRuns {
		if _, err := peers.Run(ctx, "runc", "--root", filepath.Join(b.lab.dir, "runc"), "run", "--bundle", bundle, fmt.Sprint("bench", i)); err != nil {
			return err
		}
	}
	return nil
}

// bundle is runc's for the image: its own example, without a terminal, that runs /bin/true, and with docker's seccomp profile
// if that is confined.
func (b *builds) bundle(ctx context.Context, confined bool) (string, error) {
	dir := filepath.Join(b.lab.dir, fmt.Sprint("bundle-", confined))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if _, err := peers.Run(ctx, "runc", "spec", "--bundle", dir); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "config.json")
	var spec specs.Spec
	if err := readJSON(path, &spec); err != nil {
		return "", err
	}
	rootfs, err := filepath.EvalSymlinks(b.mount.tag(b.debian, "rootfs"))
	if err != nil {
		return "", err
	}
	spec.Root.Path, spec.Process.Terminal, spec.Process.Args = rootfs, false, []string{"/bin/true"}
	if confined {
		if spec.Linux.Seccomp, err = seccomp.GetDefaultProfile(&spec); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(path, text, 0o644)
}
