package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestOutput(t *testing.T) {
	rootfs := busybox(t, "")
	s := shell(t, rootfs, "id -u; pwd; echo $PATH $A; hostname; grep CapEff /proc/self/status")
	s.Cwd, s.Env = "/made/here", []string{"A=b"}
	want := "0\n/made/here\n" + defaultPath + " b\nbox\nCapEff:\t00000000a80425fb\n"
	if got := output(t, s); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExitCode(t *testing.T) {
	rootfs := busybox(t, `mkdir dir; echo hello > text`)
	for _, test := range []struct {
		args  []string
		code  int
		words string // of the error
	}{
		{[]string{"sh", "-c", "exit 3"}, 3, ""},
		{[]string{"sh", "-c", "sh -c 'kill -9 $$' 2>/dev/null; exit $?"}, 137, ""},
		{[]string{"nosuch"}, ExitNotFound, `exec: "nosuch": executable file not found in $PATH`},
		{[]string{"/nosuch"}, ExitNotFound, `no such file or directory`},
		{[]string{"/text"}, ExitDenied, "permission denied"},
		{[]string{"/dir"}, ExitDenied, ""},
		{nil, ExitFailed, "no command specified"},
	} {
		s := shell(t, rootfs, "")
		s.Args = test.args
		out, code, err := result(t, s)
		if code != test.code || out != "" || (err == nil) != (test.code < ExitFailed || test.code > 128) {
			t.Errorf("%q: %d, %v: %s", test.args, code, err, out)
		}
		if err != nil && !strings.Contains(err.Error(), test.words) {
			t.Errorf("%q: %v", test.args, err)
		}
	}
}

// TestUser compares who the process is with what docker says of the same words.
func TestUser(t *testing.T) {
	rootfs := busybox(t, "")
	for _, test := range []struct {
		word string
		want specs.User
		err  string
	}{
		{"", specs.User{AdditionalGids: []uint32{0}}, ""},
		{"web", specs.User{UID: 1000, GID: 1001, AdditionalGids: []uint32{1001, 1002}}, ""},
		{"1000", specs.User{UID: 1000, GID: 1001, AdditionalGids: []uint32{1001, 1002}}, ""},
		{"7", specs.User{UID: 7, AdditionalGids: []uint32{0}}, ""},
		{"web:more", specs.User{UID: 1000, GID: 1002, AdditionalGids: []uint32{1002}}, ""},
		{"7:8", specs.User{UID: 7, GID: 8, AdditionalGids: []uint32{8}}, ""},
		{"nobody", specs.User{}, "unable to find user nobody: no matching entries in passwd file"},
		{"web:nope", specs.User{}, "unable to find group nope: no matching entries in group file"},
		{"2147483648", specs.User{}, "uids and gids must be in range 0-2147483647"},
		{"-1", specs.User{}, "uids and gids must be in range 0-2147483647"},
		{"99999999999999999999", specs.User{}, "uids and gids must be in range 0-2147483647"},
		{"0:4294967296", specs.User{}, "uids and gids must be in range 0-2147483647"},
	} {
		got, err := lookUp(rootfs, test.word)
		if test.err != "" {
			var failed *Error
			if !errors.As(err, &failed) || !failed.Invalid || failed.Message != test.err {
				t.Errorf("%q: %v", test.word, err)
			}
			continue
		}
		if err != nil || got.UID != test.want.UID || got.GID != test.want.GID || !slices.Equal(got.AdditionalGids, test.want.AdditionalGids) {
			t.Errorf("%q: %+v, %v", test.word, got, err)
		}
	}
	s := shell(t, rootfs, "id -u; id -g; grep -E 'Cap(Eff|Bnd)' /proc/self/status; echo $HOME")
	s.User = "web"
	if got := output(t, s); got != "1000\n1001\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n/home/web\n" {
		t.Errorf("got %q", got)
	}
}

// TestDatabaseElsewhere: what is outside of the image is not read, nor waited for.
func TestDatabaseElsewhere(t *testing.T) {
	for _, script := range []string{"ln -sf /etc/passwd etc/passwd", "ln -sf ../../../../../etc/passwd etc/passwd", "rm etc/passwd; mkfifo etc/passwd"} {
		if _, err := lookUp(busybox(t, script), "root"); err == nil {
			t.Errorf("%s: no error", script)
		}
	}
}

// TestConfined: the process sees and may do what docker lets it.
func TestConfined(t *testing.T) {
	rootfs := busybox(t, "")
	got := output(t, shell(t, rootfs, `
		exec 2>&1; unshare -m true; mount -t tmpfs none /tmp; mknod /tmp/disk b 8 0 && head -c 1 /tmp/disk
		cat /proc/timer_list /proc/keys; ls /sys/firmware; echo 1 > /proc/sys/kernel/panic
		ls /dev; grep -c . /proc/net/dev; cut -d' ' -f5 /proc/self/mountinfo`))
	want := `unshare: unshare(0x20000): Operation not permitted
mount: permission denied (are you root?)
head: /tmp/disk: Operation not permitted
sh: can't create /proc/sys/kernel/panic: Read-only file system
fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero
3
/ /proc /dev /dev/pts /sys `
	if got := strings.Join(strings.Fields(got), " "); !strings.HasPrefix(got, strings.Join(strings.Fields(want), " ")) {
		t.Errorf("got %s", got)
	}
	known := []string{"/", "/proc", "/dev", "/sys", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
	_, mounts, _ := strings.Cut(got, "zero\n3\n")
	for mount := range strings.Lines(mounts) {
		mount = strings.TrimSpace(mount)
		if !slices.ContainsFunc(known, func(k string) bool { return mount == k || k != "/" && strings.HasPrefix(mount, k+"/") }) {
			t.Errorf("%s is mounted", mount)
		}
	}
}

func TestMounts(t *testing.T) {
	s := shell(t, busybox(t, ""), "exec 2>&1; cat /data/file /etc/hosts; echo two > /data/file; echo x > /ro/file")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Mounts = []specs.Mount{
		Bind(dir, "/data", false), Bind(dir, "/ro", true), Bind(filepath.Join(dir, "file"), "/etc/hosts", true),
	}
	out, code, err := result(t, s)
	if code != 1 || err != nil || out != "one\none\nsh: can't create /ro/file: Read-only file system\n" {
		t.Errorf("%d, %v: %q", code, err, out)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "file")); string(text) != "two\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestEnds ends a process in each way there is, and sees that nothing of it is left.
func TestEnds(t *testing.T) {
	rootfs := busybox(t, "")
	canceled, cancel := context.WithCancel(t.Context())
	for name, test := range map[string]struct {
		script string
		end    func(helper int, signals chan<- os.Signal)
		ctx    context.Context
		code   int
		failed bool
	}{
		"signal": {"trap 'exit 7' TERM; while :; do sleep 0.01; done", func(_ int, signals chan<- os.Signal) { signals <- unix.SIGTERM }, t.Context(), 7, false},
		"kill":   {"sleep 1000", func(_ int, signals chan<- os.Signal) { signals <- unix.SIGKILL }, t.Context(), 137, false},
		"cancel": {"sleep 1000", func(int, chan<- os.Signal) { cancel() }, canceled, ExitFailed, true},
		"helper": {"sleep 1000", func(helper int, _ chan<- os.Signal) { unix.Kill(helper, unix.SIGKILL) }, t.Context(), 137, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := shell(t, rootfs, test.script)
			signals := make(chan os.Signal, 1)
			s.Signals = signals
			s.Started = func() { test.end(child(t, s.Dir), signals) }
			code, err := Run(test.ctx, s)
			if code != test.code || (err != nil) != test.failed {
				t.Errorf("%d, %v", code, err)
			}
			if left, _ := filepath.Glob("/sys/fs/cgroup/*/imagefs-" + s.ID); len(left) > 0 {
				t.Errorf("left: %s", left)
			}
			if pid := child(t, s.Dir); pid != 0 {
				t.Errorf("process %d is left", pid)
			}
		})
	}
}

// child finds the helper of DIR; 0 if there is none.
func child(t *testing.T, dir string) int {
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		var pid int
		if text, _ := os.ReadFile(path); strings.Contains(string(text), Helper+"\x00"+dir+"\x00") {
			fmt.Sscanf(path, "/proc/%d/", &pid)
			return pid
		}
	}
	return 0
}

// TestPasta publishes a port, and sees that a container reaches nothing of the host's loopback device.
func TestPasta(t *testing.T) {
	rootfs := busybox(t, "mkdir www; echo page > www/index.html")
	if !HasPasta() {
		t.Skip("there is no pasta")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host := l.Addr().(*net.TCPAddr).Port
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	s := shell(t, rootfs, fmt.Sprintf("nc -w 1 127.0.0.1 %d </dev/null 2>&1 && exit 9; httpd -p 80 -h /www; ip -o addr | grep -c -v ' lo '; cat /etc/hosts | tail -n 1; echo ready >&2; sleep 1000", host))
	s.Network, s.Ports = Pasta, []Port{{HostIP: "127.0.0.1", Host: port, Container: 80, Protocol: "tcp"}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.Stderr = w
	ended := make(chan error, 1)
	go func() {
		code, err := Run(ctx, s)
		w.Close()
		ended <- fmt.Errorf("%d, %w", code, err)
	}()
	said := make([]byte, 100)
	if n, err := r.Read(said); err != nil || string(said[:n]) != "ready\n" {
		t.Fatalf("%q, %v", said[:n], err)
	}
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if string(page) != "page\n" || err != nil {
		t.Errorf("%q, %v", page, err)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestReachable(t *testing.T) {
	got := string(reachable([]byte("nameserver 127.0.0.53\nnameserver ::1\nsearch a\nnameserver 10.0.0.1\n")))
	if want := "nameserver 169.254.1.1\nsearch a\nnameserver 10.0.0.1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
