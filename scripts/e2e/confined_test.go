package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// confined has a RUN write down what it sees of the machine, and what it may do there. What must not work is harmless if it does.
const confined = `ARG BASE
FROM $BASE
USER 0
RUN exec > /facts 2>&1; cd /; \
    grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp):' /proc/self/status; \
    find /dev ! -path '/dev/pts/*' | sort | xargs stat -c '%n %F %a %u:%g %t:%T'; ls -l /dev/fd /dev/core | sed 's/.*[0-9] //'; \
    while read -r _ _ _ _ at how rest; do \
        rest=${rest#*- }; how=,$how,; flags=; \
        for f in ro rw nosuid nodev noexec; do case $how in *,$f,*) flags="$flags $f";; esac; done; \
        echo "mount $at ${rest%% *}$flags"; \
    done < /proc/self/mountinfo | sort; \
    for p in /proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats \
        /proc/sched_debug /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do \
        if [ -d $p ]; then echo "$p has $(ls -A $p | wc -l)"; elif [ -e $p ]; then echo "$p has $(head -c 9 $p | wc -c)"; fi; \
    done; \
    for p in /proc/bus /proc/fs /proc/irq /proc/sys/kernel/panic /proc/sysrq-trigger /sys/kernel/profiling /sys/fs/cgroup/x; do \
        touch -c $p && echo "$p may be changed"; \
    done; \
    mount -t tmpfs none /mnt; mount -t proc none /tmp; umount /proc; mount -o remount,rw /sys; unshare -m true; unshare -U true; \
    mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk; mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem; mknod /tmp/fuse c 10 229 && head -c 1 /tmp/fuse; rm -f /tmp/*; \
    hostname $(hostname); date -s @$(date +%s) >/dev/null; dmesg | head -n 1; chroot / true && echo may chroot; \
    ls /proc | grep -c '^[0-9]'; cat /proc/1/comm; \
    ls -d /proc/1/root/etc /proc/1/cwd/; kill -0 2; touch -d "2020-01-02 03:04:05" /facts
`

// TestRunConfinedLikeDocker compares what a RUN may see and do with what docker lets it.
func TestRunConfinedLikeDocker(t *testing.T) {
	base := busybox(t)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	m := newMount(t)
	m.pull(base)
	dir := tempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(confined), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t)(shared.docker.Run(t.Context(), "build", "-q", "--network", "host", "--build-arg", "BASE="+base, "-t", "confined", dir))
	defer shared.docker.Run(t.Context(), "rmi", "confined")
	must(t)(m.run("build", "-q", "--network", "host", "--build-arg", "BASE="+base, "-t", "confined", dir))
	archive := filepath.Join(dir, "confined.tar")
	must(t)(shared.docker.Run(t.Context(), "save", "-o", archive, "confined"))
	theirs := sh(t, "cd "+dir+" && for l in $(tar -tf confined.tar | grep layer.tar); do tar -xOf confined.tar $l | tar -xO facts 2>/dev/null; done || true")
	ours := m.read("docker.io/library/confined/latest/rootfs/facts")
	if strings.Count(theirs, "\n") < 50 {
		t.Fatalf("docker's facts are %s", theirs)
	}
	if diff := cmp.Diff(facts(theirs), facts(ours)); diff != "" {
		t.Errorf("(-docker +ours) %s", diff)
	}
}

// facts are the lines but of what differs: the classic builder mounts an image's volumes, and docker of today masks one more
// file, as we do.
func facts(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "mount /data ") || strings.Contains(line, "/proc/interrupts ")
	})
}

// TestSecretsStaySecret builds with secrets, well and not, and looks for their bytes everywhere.
func TestSecretsStaySecret(t *testing.T) {
	need(t, "busybox", "runc", "grep")
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	t.Setenv("IMAGEFS_TEST_SECRET", "secret-of-the-environment")
	m := newMount(t)
	dir := tempDir(t)
	sh(t, "cd "+dir+" && cp $(command -v busybox) busybox && printf secret-of-a-file > secret")
	text := `FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
RUN --mount=type=secret,id=file --mount=type=secret,id=env,env=SECRET \
    echo "$SECRET" | busybox md5sum > /sums; busybox md5sum < /run/secrets/file >> /sums
RUN --mount=type=secret,id=file,target=/etc/mounted --mount=type=secret,id=env,target=/mounted test -s /etc/mounted
`
	for name, text := range map[string]string{"good": text, "bad": text + "RUN --mount=type=secret,id=file exit 1\n", ".dockerignore": "secret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := []string{"build", "--network", "none", "--secret", "id=file,src=" + dir + "/secret", "--secret", "id=env,env=IMAGEFS_TEST_SECRET", "-t", "x", "-f"}
	said := must(t)(m.run(append(build, dir+"/good", dir)...))
	if _, err := m.run(append(build, dir+"/bad", dir)...); err == nil {
		t.Error("exit 1 was no failure")
	}
	want := sh(t, "cd "+dir+` && echo "$IMAGEFS_TEST_SECRET" | md5sum; md5sum < secret`)
	if got := m.read("docker.io/library/x/latest/rootfs/sums"); got != want {
		t.Errorf("the steps saw %s, not %s", got, want)
	}
	image := m.path("docker.io/library/x/latest")
	said += must(t)(m.run("history", "--no-trunc", "x")) + must(t)(m.run("inspect", "x"))
	if strings.Contains(said, "secret-of") {
		t.Errorf("it is told: %s", said)
	}
	for _, place := range []string{m.root, image + "/layers", image + "/rootfs", image + "/history", image + "/config.json", m.path("ctl", "jobs"), m.path("ctl", "errors")} {
		if found, err := shell(t, "grep -rlaF secret-of "+place+"/. "+place+" 2>/dev/null"); err == nil || found != "" {
			t.Errorf("it is in %s", found)
		}
	}
	if !slices.Contains(strings.Fields(sh(t, "ls "+image+"/rootfs")), "sums") {
		t.Error("there is no image to look in")
	}
}
