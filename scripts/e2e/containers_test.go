package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// run runs imagefs on the mount's store, and returns what it prints.
func (m *mount) run(args ...string) (string, error) {
	m.t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "IMAGEFS_ROOT="+m.root)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = errors.New(string(exit.Stderr))
	}
	return string(out), err
}

// read returns what a file below the mount holds, and fails the test if it cannot be read.
func (m *mount) read(parts ...string) string {
	m.t.Helper()
	text, err := os.ReadFile(m.path(parts...))
	if err != nil {
		m.t.Error(err)
	}
	return string(text)
}

// TestContainer makes, changes, commits and removes working containers through files and commands, while servers and
// holders come and go.
func TestContainer(t *testing.T) {
	need(t)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or each process, helpers too, takes a second more
	m := newMount(t)
	name := smallImage(t, m)
	for _, line := range []string{"--name web " + name, "--name app " + name} {
		if err := m.write("create", line); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.write("create", "--name web "+name); errnoOf(err) != syscall.EBUSY.Error() {
		t.Errorf("a name that is taken: %v", err)
	}
	rootfs := m.path("containers", "web", "rootfs")
	sh(t, "cd "+rootfs+"; echo changed > etc/conf; rm -r dir; mkdir dir; echo new > dir/new")
	want := "C /dir\nD /dir/a\nA /dir/new\nC /etc\nC /etc/conf\n"
	changes := func() {
		t.Helper()
		if got := m.read("containers", "web", "changes"); got != want {
			t.Errorf("changes: %s", got)
		}
		if got := sh(t, "cat "+rootfs+"/etc/conf "+rootfs+"/etc/keep "+rootfs+"/dir/*"); got != "changed\nkeep\nnew\n" {
			t.Errorf("the container has %q", got)
		}
	}
	changes()
	if got, err := m.run("diff", "web"); got != want || err != nil {
		t.Errorf("diff: %s, %v", got, err)
	}
	if m.read("containers", "web", "status") != "created\n" || m.read("containers", "web", "image", "digest") == "" {
		t.Error("status, image")
	}

	t.Run("kill -9 of the server", func(t *testing.T) {
		for _, pid := range m.servers() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		changes()
	})
	t.Run("unmount in use", func(t *testing.T) {
		busy, err := os.Open(filepath.Join(rootfs, "etc"))
		if err != nil {
			t.Fatal(err)
		}
		defer busy.Close()
		if _, err := m.run("umount", m.dir); err == nil || !strings.Contains(err.Error(), "containers/web/merged is in use") {
			t.Errorf("umount: %v", err)
		}
		if _, err := m.run("rm", "web"); err == nil || !strings.Contains(err.Error(), "container web is in use") {
			t.Errorf("rm: %v", err)
		}
		changes()
	})
	t.Run("mounted again", func(t *testing.T) {
		m.stop()
		if left, err := os.ReadDir(filepath.Join(m.root, "containers", "web", "merged")); len(left) > 0 || err != nil {
			t.Errorf("still mounted: %v, %v", left, err)
		}
		m.start()
		changes()
	})
	t.Run("handed over to another mount", func(t *testing.T) {
		other := mountStore(t, m.root)
		m.stop()
		if got := sh(t, "cat "+other.path("containers", "web", "rootfs", "etc", "*")); got != "changed\nkeep\n" {
			t.Errorf("the other mount has %q", got)
		}
		m.start()
		other.stop()
		changes()
	})
	t.Run("kill -9 of the holder", func(t *testing.T) {
		m.cmd.Process.Kill()
		<-m.ended
		m.cmd.Wait()
		m.start()
		changes()
	})
	t.Run("in use", func(t *testing.T) {
		if err := m.write("rmi", name); errnoOf(err) != syscall.EBUSY.Error() {
			t.Errorf("rmi: %v", err)
		}
		if out, err := m.run("image", "prune", "-af"); err != nil || strings.Contains(out, "deleted") {
			t.Errorf("prune: %s, %v", out, err)
		}
		if _, err := m.run("rmi", "-f", name); err != nil {
			t.Error(err)
		}
		changes()
		m.stop()
		m.start()
		changes()
	})
	t.Run("commit", func(t *testing.T) {
		if err := m.write("commit", `-a me -m "a motd" -c "CMD [\"sh\"]" web web:v1`); err != nil {
			t.Fatal(err, m.read("ctl", "errors"))
		}
		committed := m.path("docker.io", "library", "web", "v1", "rootfs")
		if diff := cmp.Diff(walkOf(t, rootfs), walkOf(t, committed)); diff != "" {
			t.Error(diff)
		}
		if got := sh(t, "head -n 2 "+m.path("web:v1", "history.json")+" | jq -r .Comment"); got != "a motd\nImported from -\n" {
			t.Errorf("history: %s", got)
		}
		if _, err := m.run("create", "--name", "third", "web:v1"); err != nil {
			t.Error(err)
		}
		if got := sh(t, "cat "+m.path("containers", "third", "rootfs", "dir", "new")); got != "new\n" {
			t.Errorf("a container of what was committed: %q", got)
		}
	})
	t.Run("rm", func(t *testing.T) {
		if err := os.Remove(m.path("containers", "web")); err != nil {
			t.Error(err)
		}
		if err := m.write("rm", "app third"); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(m.path("containers")); len(left) > 0 || err != nil {
			t.Errorf("left: %v, %v", left, err)
		}
		if err := os.Remove(m.path("containers", "web")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("again: %v", err)
		}
		if left, err := os.ReadDir(filepath.Join(m.root, "containers")); len(left) > 0 || err != nil {
			t.Errorf("left on the disk: %v, %v", left, err)
		}
	})
}

// smallImage imports a few files, and returns their image's name.
func smallImage(t *testing.T, m *mount) string {
	t.Helper()
	sh(t, `d=$(mktemp -d); trap 'rm -r $d' EXIT; cd $d; mkdir etc dir
		echo conf > etc/conf; echo keep > etc/keep; echo a > dir/a
		tar -cf - . | `+binary+` import --root `+m.root+` -c 'CMD ["old"]' - small:1`)
	return "small:1"
}

// walkOf tells of each file below dir; times in whole seconds, and of directories none.
func walkOf(t *testing.T, dir string) []string {
	t.Helper()
	return strings.Split(sh(t, "cd "+dir+` && find . -mindepth 1 \( -type d -printf '%p %y %m %U %G\n' \
		-o -printf '%p %y %m %U %G %s %Ts %n %l\n' \) | sort; find . -type f -exec md5sum {} + | sort;
		find . \( -type c -o -type b \) -exec stat -c '%n %t:%T' {} + | sort; find . -type f -exec getcap {} + | sort`), "\n")
}

// edit is done in a container of docker's and in one of ours, by the image's busybox.
const edit = `
	cd /; T() { touch -h -d "2020-01-02 03:04:05" "$@"; }
	echo x:x:1:1::/:/bin/sh >> /etc/passwd; T /etc/passwd
	mkdir -p /new/dir; echo n > /new/dir/n; ln /new/dir/n /new/hard; ln -s ../dir /new/link; T /new/dir/n /new/link
	chmod 700 /new/dir; chown 70000:80000 /new/hard
	rm -r /usr/share/doc; mkdir /usr/share/doc; echo other > /usr/share/doc/c; echo d > /usr/share/doc/d; T /usr/share/doc/c /usr/share/doc/d
	rm -r /var/spool/old; echo "a file now" > /var/spool/old; T /var/spool/old
	rm /bin/yes; mkdir /bin/yes; echo y > /bin/yes/y; T /bin/yes/y
	rm /www/index.html; chmod 1700 /tmp; mv /tmp/fifo /tmp/moved; T /tmp/moved
	mknod /new/null c 1 3; mknod /new/disk b 7 300; T /new/null /new/disk
	echo x > /gone; rm /gone; mkdir /was; rmdir /was
	chmod u-s /bin/su; cp -p /bin/busybox /bin/copy; T /bin/copy`

// TestCommitLikeDocker changes a container of dockerd's and one of ours alike, and compares what diff and commit give.
func TestCommitLikeDocker(t *testing.T) {
	base := busybox(t)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	m := newMount(t)
	m.pull(base)
	docker := func(args ...string) string { t.Helper(); return must(t)(shared.docker.Run(t.Context(), args...)) }
	ours := func(args ...string) string { t.Helper(); return must(t)(m.run(args...)) }
	docker("pull", "-q", base)
	options := []string{"--name", "both", "--user", "0", "--env", "A=b", "--label", "l=m", "--workdir", "/tmp", "--entrypoint", "/bin/busybox"}
	command := []string{base, "sh", "-c", edit}
	defer shared.docker.Run(context.Background(), "rm", "both")
	docker(slices.Concat([]string{"run", "--network", "host", "--hostname", "box"}, options, command)...)
	ours(slices.Concat([]string{"create", "--hostname", "box"}, options, command)...)
	sh(t, "chroot "+m.path("containers", "both", "rootfs")+" /bin/busybox sh -c '"+edit+"'")
	upper := strings.TrimSpace(docker("inspect", "--format", "{{.GraphDriver.Data.UpperDir}}", "both"))
	for _, files := range []string{upper, m.path("containers", "both", "rootfs")} {
		sh(t, "setcap cap_net_raw+ep "+files+"/bin/copy") // which the image's busybox cannot
	}

	if diff := cmp.Diff(dockerDiff(docker("diff", "both")), sortedLines(ours("diff", "both"))); diff != "" {
		t.Error("diff:", diff)
	}
	plain, changed := shared.registry.Addr+"/demo/committed:plain", shared.registry.Addr+"/demo/committed:changed"
	commits := map[string][]string{
		plain: nil,
		changed: {
			"-a", "A <a@b.c>", "-m", "a message", "-c", `ENTRYPOINT ["/bin/sh"]`, "-c", `CMD ["-c", "echo a"]`, "-c", "ENV A=c X=y",
			"-c", "HEALTHCHECK --interval=7s --retries=2 CMD check it", "-c", "EXPOSE 90 53/udp",
			"-c", "LABEL n=o", "-c", "ONBUILD RUN true", "-c", "USER nobody", "-c", "VOLUME /v /w", "-c", "WORKDIR sub",
		},
	}
	for name, options := range commits {
		docker(slices.Concat([]string{"commit"}, options, []string{"both", name})...)
		defer shared.docker.Run(context.Background(), "rmi", name)
		ours(slices.Concat([]string{"commit"}, options, []string{"both", "mine:1"})...)
		theirs, mine := inspectOf(t, docker("inspect", name)), inspectOf(t, ours("inspect", "mine:1"))
		if diff := cmp.Diff(theirs, mine); diff != "" {
			t.Error(name, diff)
		}
		const format = "{{.CreatedBy}}\t{{.Comment}}\t{{.Size}}"
		if diff := cmp.Diff(docker("history", "--no-trunc", "--format", format, name), ours("history", "--no-trunc", "--format", format, "mine:1")); diff != "" {
			t.Error(name, diff)
		}
	}
	docker("push", "-q", plain)
	m.pull(plain)
	theirs := slices.DeleteFunc(walkOf(t, m.tag(plain, "rootfs")), func(line string) bool { return line == "./data d 755 0 0" })
	mine := walkOf(t, m.tag("docker.io/library/mine:1", "rootfs"))
	if diff := cmp.Diff(theirs, mine); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(mine, "./bin/copy cap_net_raw=ep") {
		t.Error("the capability of a file is gone")
	}
	ours("rm", "both")
}

// inspectOf is the object, without what is of the moment, the store or the container.
func inspectOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var all []map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	one := all[0]
	for _, key := range []string{"Id", "RepoTags", "RepoDigests", "Created", "Container", "DockerVersion", "GraphDriver", "Metadata", "Descriptor", "RootFS", "Size", "VirtualSize"} {
		delete(one, key)
	}
	return one
}

// copies are words of `cp`: C is the container, and the working directory has what copyFixture makes.
var copies = []string{
	"C:/www/index.html out", "C:/www/index.html dir", "C:/www/index.html dir/", "C:/www/index.html missing/", "C:/www/index.html missing/x",
	"C:/www out", "C:/www dir", "C:/www/. dir", "C:/www/. out", "C:/www file", "C:/nope .", "C:/bin/yes out", "-L C:/bin/yes out",
	"C:/usr/share/doc .", "C:etc/passwd out", "C:/usr/../etc/passwd .", "C:/var/spool/old/ dir", "C:/tmp/fifo .",
	"file C:/tmp", "file C:/tmp/new", "file C:/nope/new", "file C:/nope/", "file C:/www", "link C:/tmp", "-L link C:/tmp/followed",
	"dir C:/tmp", "dir/. C:/tmp", "dir C:/etc/passwd", "dir C:/tmp/name", "tree C:/tmp", "nope C:/tmp", "file dir", "file C:/bin/yes",
	"file C:/../../tmp/up",
}

const copyFixture = `mkdir dir tree tree/sub; echo text > file; chmod 640 file; ln -s file link; echo in > dir/in
	echo deep > tree/sub/deep; ln tree/sub/deep tree/hard; ln -s ../nowhere tree/dangling; mkfifo tree/fifo
	find . -exec touch -h -d 2020-01-02 {} +`

// TestCopyLikeDocker copies the same from and to a container of dockerd's and one of ours.
func TestCopyLikeDocker(t *testing.T) {
	base := busybox(t)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	m := newMount(t)
	m.pull(base)
	docker := func(args ...string) string { t.Helper(); return must(t)(shared.docker.Run(t.Context(), args...)) }
	docker("pull", "-q", base)
	docker("create", "--name", "theirs", base)
	defer shared.docker.Run(context.Background(), "rm", "theirs")
	must(t)(m.run("create", "--name", "ours", base))
	for _, words := range copies {
		theirs, mine := tempDir(t), tempDir(t)
		sh(t, "cd "+theirs+"; "+copyFixture)
		sh(t, "cd "+mine+"; "+copyFixture)
		one := shared.docker.Command(t.Context(), slices.Concat([]string{"cp"}, strings.Fields(strings.ReplaceAll(words, "C:", "theirs:")))...)
		one.Dir = theirs
		other := exec.Command(binary, slices.Concat([]string{"cp", "--root", m.root}, strings.Fields(strings.ReplaceAll(words, "C:", "ours:")))...)
		other.Dir = mine
		wrong, fault := one.Run(), other.Run()
		if (wrong == nil) != (fault == nil) {
			t.Errorf("cp %s: docker %v, imagefs %v", words, wrong, fault)
		}
		if diff := cmp.Diff(walkOf(t, theirs), walkOf(t, mine)); diff != "" {
			t.Errorf("cp %s: %s", words, diff)
		}
	}
	if diff := cmp.Diff(dockerDiff(docker("diff", "theirs")), sortedLines(m.read("containers", "ours", "changes"))); diff != "" {
		t.Error(diff)
	}
	must(t)(m.run("rm", "ours"))
}

func sortedLines(text string) []string {
	return slices.Sorted(slices.Values(strings.Split(text, "\n")))
}

// dockerDiff leaves out the directory that docker makes for the image's VOLUME.
func dockerDiff(text string) []string { return sortedLines(strings.Replace(text, "A /data\n", "", 1)) }

// TestCopyWithoutMount copies from a container while the store is not mounted.
func TestCopyWithoutMount(t *testing.T) {
	need(t)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // or each process, helpers too, takes a second more
	m := newMount(t)
	name := smallImage(t, m)
	must(t)(m.run("create", "--name", "web", name))
	m.stop()
	dir := tempDir(t)
	sh(t, "echo mine > "+dir+"/mine")
	for _, args := range [][]string{
		{"cp", dir + "/mine", "web:/etc/new"}, {"cp", "web:/etc/conf", dir}, {"cp", "web:/etc/new", dir}, {"create", "--name", "app", name},
		{"cp", "app:/dir", dir},
	} {
		if _, err := m.run(args...); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	if got := sh(t, "cd "+dir+"; cat conf new dir/a"); got != "conf\nmine\na\n" {
		t.Errorf("got %q", got)
	}
	if got := must(t)(m.run("cp", "web:/etc/new", "-")); !strings.Contains(got, "mine\n") {
		t.Errorf("a tar: %q", got)
	}
	if _, err := m.run("cp", "web:/nope", dir); err == nil || err.Error() != "imagefs: No such container:path: web:/nope\n" {
		t.Errorf("%v", err)
	}
	if got := must(t)(m.run("diff", "web")); got != "C /etc\nA /etc/new\n" {
		t.Errorf("diff: %s", got)
	}
	must(t)(m.run("rm", "web", "app"))
}
