package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// steps run what [edit] does, as several users, in several forms, in docker's classic builder and in ours.
const steps = `ARG BASE
FROM $BASE AS one
USER 0
COPY edit /new/
FROM $BASE
USER 0
COPY edit /edit
SHELL ["/bin/busybox", "sh", "-ec"]
ARG WHO=nobody
ENV A=b
RUN sh /edit; mkdir -m 1777 /shared; touch -d "2020-01-02 03:04:05" /exec; \
    for f in /proc/kcore /proc/keys /sys/firmware; do echo "$f $(cat $f 2>&1 | head -c 20)"; done > /masked; \
    (mount -t tmpfs x /mnt || mknod /dev/x b 8 0 && cat /dev/x || echo 1 > /proc/sys/kernel/panic) > /denied 2>&1 || true; \
    grep -i -e capeff -e seccomp: -e nonewprivs /proc/self/status > /status; ls / > /root; \
    touch -d "2020-01-02 03:04:05" /masked /denied /status /root
USER 1000:1001
WORKDIR /shared
RUN id -u > id; id -g >> id; pwd >> id; umask >> id; echo "$WHO $A $HOME $PATH" >> id; touch -d "2020-01-02 03:04:05" id
USER root
RUN ["/bin/busybox", "rm", "-r", "/exec", "/root"]
COPY --from=one /new /copied
CMD ["x"]
`

// TestBuildLikeDocker builds the same with both, and what a RUN may see or do is the same.
func TestBuildLikeDocker(t *testing.T) {
	base := busybox(t)
	m := newMount(t)
	m.pull(base)
	dir := t.TempDir()
	for name, text := range map[string]string{"Dockerfile": steps, "edit": edit} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	name := shared.registry.Addr + "/demo/built:1"
	docker := func(args ...string) string { t.Helper(); return must(t)(shared.docker.Run(t.Context(), args...)) }
	docker("build", "--network", "host", "--build-arg", "BASE="+base, "-t", name, dir)
	defer shared.docker.Run(context.Background(), "rmi", name)
	docker("push", "-q", name)
	m.pull(name)
	if err := m.write("build", "--build-arg BASE="+base+" -t mine:1 "+dir); err != nil {
		said, _ := os.ReadFile(m.path("ctl", "jobs", "latest", "log"))
		t.Fatalf("%v: %s\n%s", err, must(t)(m.run("version")), said)
	}
	// The classic builder makes places for volumes, BuildKit and we do not.
	theirFiles := slices.DeleteFunc(walkOf(t, m.tag(name, "rootfs")), func(line string) bool { return strings.HasPrefix(line, "./data d ") })
	if diff := cmp.Diff(theirFiles, walkOf(t, m.tag("docker.io/library/mine:1", "rootfs"))); diff != "" {
		t.Error(diff)
	}
	theirs, mine := inspectOf(t, docker("inspect", name)), inspectOf(t, must(t)(m.run("inspect", "mine:1")))
	for _, one := range []map[string]any{theirs, mine} {
		for _, key := range []string{"ContainerConfig", "Parent"} {
			delete(one, key)
		}
		for _, key := range []string{"Hostname", "Image"} {
			delete(one["Config"].(map[string]any), key)
		}
	}
	if diff := cmp.Diff(theirs, mine); diff != "" {
		t.Error(diff)
	}
	// Nothing is left, and the second time all is cached.
	again := must(t)(m.run("build", "--build-arg", "BASE="+base, "-t", "again:1", dir))
	if n := strings.Count(again, "Using cache"); n != strings.Count(again, "Step ")-3 {
		t.Errorf("%d steps were cached:\n%s", n, again)
	}
	left, err := filepath.Glob(filepath.Join(m.root, "building", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
	if got := must(t)(m.run("images", "-q", "-f", "dangling=true")); got != "" {
		t.Errorf("left images %s", got)
	}
}
