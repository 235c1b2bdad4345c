//go:build buildkit

package e2e

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imagefs/imagefs/scripts/peers"
)

// buildKit is a mount, and a daemon that BUILDKIT_HOST names.
func buildKit(t *testing.T) *mount {
	t.Helper()
	need(t, "buildkitd", "buildctl", "busybox")
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	daemon, err := peers.StartBuildKit(tempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(daemon.Close)
	t.Setenv("BUILDKIT_HOST", daemon.Addr)
	return newMount(t)
}

// TestBuildKitLikeOurs builds the same, on a base that the daemon cannot pull, with both builders.
func TestBuildKitLikeOurs(t *testing.T) {
	base := busybox(t)
	m := buildKit(t)
	m.pull(base)
	must(t)(m.run("tag", base, "local.invalid/base:1"))
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"Dockerfile": steps, "edit": edit})
	for _, builder := range []string{"imagefs", "buildkit"} {
		must(t)(m.run("build", "-q", "--builder", builder, "--build-arg", "BASE=local.invalid/base:1", "-t", builder+":1", dir))
	}
	library := func(name string) string { return m.tag("docker.io/library/"+name+":1", "rootfs") }
	theirFiles := slices.DeleteFunc(walkOf(t, library("buildkit")), func(line string) bool {
		return slices.Contains([]string{"./dev d 755 0 0", "./proc d 755 0 0", "./sys d 755 0 0"}, line) // where RUN had its mounts
	})
	if diff := cmp.Diff(theirFiles, walkOf(t, library("imagefs"))); diff != "" {
		t.Errorf("files (-BuildKit +ours): %s", diff)
	}
	theirs, ours := inspectOf(t, must(t)(m.run("inspect", "buildkit:1"))), inspectOf(t, must(t)(m.run("inspect", "imagefs:1")))
	for _, one := range []map[string]any{theirs, ours} {
		delete(one, "Comment")
		delete(one["Config"].(map[string]any), "ArgsEscaped")
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("config (-BuildKit +ours): %s", diff)
	}
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// stages have what a daemon is told with options, files and the environment.
const stages = `ARG BASE
FROM $BASE AS build
ARG WHAT=nothing
RUN --mount=type=secret,id=token --mount=type=secret,id=env \
    echo "$WHAT" > /out; busybox md5sum < /run/secrets/token > /sum; busybox md5sum < /run/secrets/env >> /sum
FROM scratch AS release
COPY --from=build /out /sum /
COPY . /context/
CMD ["/out"]
FROM release AS broken
RUN exit 1
`

// onBase is a base that only the store has, and a context on it.
func onBase(t *testing.T, m *mount) (dir string) {
	t.Helper()
	dir = t.TempDir()
	sh(t, "cp $(command -v busybox) "+dir+"/busybox")
	writeFiles(t, dir, map[string]string{"base": "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n"})
	must(t)(m.run("build", "-q", "-t", "base:1", "-f", dir+"/base", dir))
	writeFiles(t, dir, map[string]string{
		"Dockerfile": stages, "secret": "a secret\n", "kept": "k", "ignored": "i", ".dockerignore": "*\n!kept\n", "base.dockerignore": "",
	})
	return dir
}

func TestBuildKitOptions(t *testing.T) {
	m := buildKit(t)
	dir := onBase(t, m)
	t.Setenv("TOKEN", "another secret\n")
	options := []string{
		"build", "--builder", "buildkit", "--build-arg", "BASE=base:1", "--build-arg", "WHAT=a,b c", "--target", "release",
		"--label", "one=1", "--label", `two="2,3"`, "-t", "web:v1", "-t", "other/web", "--secret", "id=token,src=" + dir + "/secret",
		"--secret", "id=env,env=TOKEN", "--iidfile", dir + "/id",
	}
	said := must(t)(m.run(append(options, dir)...))
	for _, want := range []string{"#1 [internal] load", "RUN --mount=type=secret", "DONE", "Successfully built ", "Successfully tagged web:v1\nSuccessfully tagged other/web:latest"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in %s", want, said)
		}
	}
	id := sh(t, "cat "+dir+"/id")
	if got := must(t)(m.run("images", "-q", "--no-trunc", "other/web")); got != id+"\n" {
		t.Errorf("%s, %s", got, id)
	}
	rootfs := m.tag("docker.io/library/web:v1", "rootfs")
	sums := sh(t, "md5sum < "+dir+"/secret; printf '%s' \"$TOKEN\" | md5sum")
	if got := sh(t, "cd "+rootfs+"; cat out sum; find context -type f"); got != "a,b c\n"+sums+"context/kept\n" {
		t.Error(got)
	}
	config := inspectOf(t, must(t)(m.run("inspect", "web:v1")))["Config"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"one": "1", "two": `"2,3"`}, config["Labels"]); diff != "" {
		t.Error(diff)
	}
	if out, err := shell(t, "grep -r 'another secret' "+m.root); err == nil {
		t.Errorf("the secret stays in %s", out)
	}
	// Again: quietly, and with the files in a tar and in a directory.
	if got := must(t)(m.run(append(options, "-q", "-o", "type=local,dest="+dir+"/local", dir)...)); got != id+"\n" {
		t.Error(got)
	}
	if got := must(t)(m.run(append(options, "-o", "-", dir)...)); !strings.Contains(got, "ustar") || strings.Contains(got, "DONE") {
		t.Errorf("%.1000q", got)
	}
	if got := sh(t, "cat "+dir+"/local/out"); got != "a,b c\n" {
		t.Error(got)
	}
	nothingIsLeft(t, m)
}

// nothingIsLeft looks for what a build keeps while it is at work.
func nothingIsLeft(t *testing.T, m *mount) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(m.root, "building", "*"))
	if err != nil || len(left) > 1 || len(left) == 1 && filepath.Base(left[0]) != "containers" {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestBuildKitContexts(t *testing.T) {
	m := buildKit(t)
	dir := onBase(t, m)
	writeFiles(t, dir, map[string]string{
		"Dockerfile": "FROM base:1\nCOPY kept* ignored* /x/\n",
		"other":      "FROM base:1\nCOPY kept ignored /x/\n", "other.dockerignore": "secret\n",
		".dockerignore": "ignored\n",
	})
	sh(t, "mkdir "+dir+"/sub; mv "+dir+"/other* "+dir+"/sub")
	build := binary + " build --root " + m.root + " --builder buildkit -q "
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cmd := exec.Command("tar", "-czC", dir, ".")
		cmd.Stdout = w
		if err := cmd.Run(); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	for command, want := range map[string]string{
		"cd " + dir + " && " + build + ".":                                                 "kept",
		"cd / && " + build + "-f " + dir + "/sub/other " + dir:                             "ignored kept",
		"tar -cC " + dir + " . | " + build + "-":                                           "kept",
		"tar -cC " + dir + " . | " + build + "-f sub/other -":                              "ignored kept",
		build + server.URL + "/context.tar.gz":                                             "kept",
		"printf 'FROM base:1\\nWORKDIR /x/y\\n' | " + build + "-":                          "y",
		"printf 'FROM base:1\\nCOPY kept /x/\\n' | " + build + "-f - " + dir:               "kept",
		"cd " + dir + "/sub && " + build + "-f other ..":                                   "ignored kept",
		"cd " + dir + " && mkfifo f && " + build + "-f Dockerfile . ; e=$?; rm f; exit $e": "kept",
	} {
		id := strings.TrimSpace(sh(t, command))
		if got := strings.Join(strings.Fields(sh(t, "ls "+m.path("by-id", strings.TrimPrefix(id, "sha256:"), "rootfs/x"))), " "); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
	nothingIsLeft(t, m)
}

// TestBuildKitFails has failures that only a real daemon can tell of, by command and by file.
func TestBuildKitFails(t *testing.T) {
	m := buildKit(t)
	dir := onBase(t, m)
	before := must(t)(m.run("images", "-aq"))
	for _, test := range []struct {
		text, line string
		errno      error
		says       string
	}{
		{"FROM base:1\n\nRUN echo told; exit 7\n", "", syscall.EIO, `Dockerfile:3:1: [1/2] RUN echo told; exit 7: process "/bin/sh -c echo told; exit 7" did not complete successfully: exit code: 7`},
		{"FROM base:1\nCOPY nope /\n", "", syscall.ENOENT, `Dockerfile:2:1: [1/2] COPY nope /: `},
		{"FROM scratch\nRUNN\n", "", syscall.EINVAL, "Dockerfile:2:1: unknown instruction: RUNN"},
		{"FROM scratch\nCOPY --chmod=rwx kept /\n", "", syscall.EINVAL, "Dockerfile:2:1: "},
		{"FROM 127.0.0.1:1/nope\n", "", syscall.ECONNREFUSED, "127.0.0.1:1/nope"},
		{"FROM base:1\nRUN --mount=type=secret,id=x,required true\n", "", syscall.ENOENT, "secret x: not found"},
		{"FROM base:1\n", "--target nope", syscall.EINVAL, "failed to reach build target nope"},
		{"FROM base:1\nCOPY kept /\n", "--buildkit-addr tcp://127.0.0.1:1", syscall.ECONNREFUSED, "no BuildKit daemon answers at tcp://127.0.0.1:1"},
	} {
		writeFiles(t, dir, map[string]string{"Dockerfile": test.text})
		err := m.write("build", "-t failed:1 --builder buildkit "+test.line+" "+dir)
		if !errors.Is(err, test.errno) {
			t.Errorf("%q: %v", test.text, err)
		}
		if log := m.read("ctl", "errors"); !strings.Contains(log, test.says) {
			t.Errorf("%q: %q is not in %s", test.text, test.says, log)
		}
		if test.errno == syscall.EIO && !strings.Contains(m.read("ctl", "jobs", "latest", "log"), " told\n") {
			t.Errorf("its output is not in the log: %s", m.read("ctl", "jobs", "latest", "log"))
		}
	}
	if _, err := m.run("build", "--builder", "buildkit", "--network", "host", dir); err == nil || !strings.Contains(err.Error(), "network.host is not allowed") {
		t.Errorf("an entitlement that there is not: %v", err)
	}
	if after := must(t)(m.run("images", "-aq")); after != before {
		t.Errorf("left %s", after)
	}
	nothingIsLeft(t, m)
}

// TestBuildKitEnds cancels builds by command and by file, and kills one.
func TestBuildKitEnds(t *testing.T) {
	m := buildKit(t)
	dir := onBase(t, m)
	writeFiles(t, dir, map[string]string{"Dockerfile": "FROM base:1\nRUN sleep 1234\n"})
	start := func() *exec.Cmd {
		t.Helper()
		cmd := exec.Command(binary, "build", "--root", m.root, "--builder", "buildkit", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "RUN has begun", func() bool { return len(sleepers(t)) > 0 })
		return cmd
	}
	ends := func() {
		t.Helper()
		eventually(t, "RUN and buildctl have ended", func() bool { return len(sleepers(t)) == 0 && programs(t, "buildctl") == 0 })
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		cmd := start()
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		if want := 128 + int(signal); signal != syscall.SIGKILL && cmd.ProcessState.ExitCode() != want {
			t.Errorf("%v: %v, want %d", signal, err, want)
		}
		ends()
	}
	if err := m.write("build", "-d --builder buildkit "+dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, "RUN has begun", func() bool { return len(sleepers(t)) > 0 })
	job := filepath.Base(must(t)(os.Readlink(m.path("ctl", "jobs", "latest"))))
	if err := m.write("cancel", job); err != nil {
		t.Fatal(err)
	}
	ends()
	// The next build sweeps what the killed one has left.
	writeFiles(t, dir, map[string]string{"Dockerfile": "FROM base:1\n"})
	must(t)(m.run("build", "--builder", "buildkit", dir))
	nothingIsLeft(t, m)
}

// sleepers are the processes that run `sleep 1234`.
func sleepers(t *testing.T) []string {
	t.Helper()
	return processes(t, func(line string) bool { return strings.HasPrefix(line, "sleep\x001234") })
}

func programs(t *testing.T, name string) int {
	t.Helper()
	return len(processes(t, func(line string) bool {
		return filepath.Base(strings.SplitN(line, "\x00", 2)[0]) == name && strings.Contains(line, os.Getenv("BUILDKIT_HOST"))
	}))
}

func processes(t *testing.T, match func(line string) bool) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
		if match(string(line)) {
			found = append(found, path)
		}
	}
	return found
}

// TestBuildKitIsReproducible builds the same twice, at two daemons that share nothing.
func TestBuildKitIsReproducible(t *testing.T) {
	var ids []string
	for range 2 {
		m := buildKit(t)
		dir := onBase(t, m)
		t.Setenv("SOURCE_DATE_EPOCH", "1600000000")
		must(t)(m.run("build", "-q", "-t", "base:1", "--builder", "buildkit", "-f", dir+"/base", dir))
		ids = append(ids, must(t)(m.run("build", "-q", "--builder", "buildkit", "--build-arg", "BASE=base:1", "--target", "release",
			"--secret", "id=token,src="+dir+"/secret", "--secret", "id=env,src="+dir+"/secret", dir)))
		if newer := sh(t, "find "+m.path("by-id", strings.TrimPrefix(strings.TrimSpace(ids[0]), "sha256:"), "rootfs")+" -newermt @1600000001"); newer != "" {
			t.Errorf("newer: %s", newer)
		}
	}
	if ids[0] != ids[1] {
		t.Errorf("%q", ids)
	}
}
