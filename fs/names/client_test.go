package names

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/fs/control"
)

const clientEnv = "NAMES_TEST_CLIENT"

// TestMain makes the test's binary a client, too: a process must not open the files that it serves.
func TestMain(m *testing.M) {
	if command := os.Getenv(clientEnv); command != "" {
		client(command)
		return
	}
	os.Exit(m.Run())
}

// client runs in the mount point.
func client(command string) {
	switch command {
	case "retry":
		retry()
	case "events":
		events()
	case "write":
		// The Go runtime makes the descriptor non-blocking and polls it.
		fmt.Println(os.WriteFile("ctl/pull", []byte("ok\n"), 0))
		fmt.Println(os.WriteFile("ctl/pull", []byte("nope\n"), 0))
	case "poll":
		poll()
	}
}

// events prints two events as Go reads them: not blocking, and by epoll.
func events() {
	f, err := os.Open("ctl/events")
	fmt.Println("open", err)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fmt.Println(lines.Text())
		if strings.Contains(lines.Text(), "last") {
			return
		}
	}
}

// retry fails the second of three lines, and tries the rest again as libc does.
func retry() {
	fd, err := unix.Open("ctl/pull", unix.O_WRONLY, 0)
	if err != nil {
		fmt.Println(err)
	}
	for _, text := range []string{"a\nnope\nb\n", "nope\nb\n", "nope\nb\n"} {
		n, err := unix.Write(fd, []byte(text))
		fmt.Println(n, err)
	}
}

// poll polls what is ready and what is not, until it is.
func poll() {
	for _, path := range []string{"ctl/pull", "README.md", "ctl/jobs/1/wait"} {
		fd, err := unix.Open(path, unix.O_RDONLY, 0)
		if err != nil {
			fmt.Println(err)
		}
		for _, timeout := range []time.Duration{0, time.Minute} {
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(fds, int(timeout.Milliseconds()))
			fmt.Println(path, n, err)
		}
	}
}

// client runs the test's binary as a client.
func (m *testMount) client(command string) string {
	m.t.Helper()
	return m.wait(m.start(clientEnv + "=" + command + " " + os.Args[0]))
}

func TestRetriedLine(t *testing.T) {
	m := mount(t)
	if got, want := m.client("retry"), "2 <nil>\n-1 no such file or directory\n-1 no such file or directory\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// The third write is a try of its own.
	if n := len(m.engine.pulled()); n != 3 {
		t.Errorf("%d pulls", n)
	}
}

func TestGoWrites(t *testing.T) {
	m := mount(t)
	if got, want := m.client("write"), "<nil>\nwrite ctl/pull: no such file or directory\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEvents(t *testing.T) {
	m := mount(t)
	goClient, goOut := m.start(clientEnv + "=events " + os.Args[0])
	shell, shellOut := m.start(`while read line; do echo "$line"; [[ $line == *last* ]] && break; done < ctl/events`)
	eventually(t, "both wait", func() bool { return readersOf(t, m, "ctl/events") == 2 })
	m.engine.event("first")
	m.engine.event("last")
	want := `{"Type":"image","Action":"first","Actor":{"ID":"","Attributes":null},"scope":"","time":0,"timeNano":0}` + "\n" +
		`{"Type":"image","Action":"last","Actor":{"ID":"","Attributes":null},"scope":"","time":0,"timeNano":0}` + "\n"
	if got := m.wait(goClient, goOut); got != "open <nil>\n"+want {
		t.Errorf("Go got %s", got)
	}
	if got := m.wait(shell, shellOut); got != want {
		t.Errorf("bash got %s", got)
	}
	m.want("dd if=ctl/events iflag=nonblock status=none",
		"dd: error reading 'ctl/events': Resource temporarily unavailable\nexit status 1\n")
}

func TestPoll(t *testing.T) {
	m := mount(t)
	m.want("echo -d slow > ctl/pull", "")
	cmd, out := m.start(clientEnv + "=poll " + os.Args[0])
	eventually(t, "the job is polled twice", func() bool { return m.polls.Load() == 6 })
	close(m.engine.release)
	want := "ctl/pull 1 <nil>\nctl/pull 1 <nil>\nREADME.md 1 <nil>\nREADME.md 1 <nil>\n" +
		"ctl/jobs/1/wait 0 <nil>\nctl/jobs/1/wait 1 <nil>\n"
	if got := m.wait(cmd, out); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAccessLog(t *testing.T) {
	m := mount(t)
	cmd, out := m.start("head -n 1 .accesslog")
	eventually(t, "it is read", func() bool { return m.counts[opRead].all.Load() == 0 && m.accessLog.Readers() == 1 })
	m.sh("readlink alpine")
	if got := m.wait(cmd, out); !strings.Contains(got, " lookup /alpine uid=0 pid=") &&
		!strings.Contains(got, " getattr /. uid=0 pid=") {
		t.Errorf("got %s", got)
	}
	if stats := m.sh("cat .stats"); !strings.Contains(stats, "imagefs_images 5\n") ||
		!strings.Contains(stats, `imagefs_requests_total{op="readlink"} 1`+"\n") {
		t.Errorf("got %s", stats)
	}
}

// TestOthers lets another user read what is shown, and nothing of ctl.
func TestOthers(t *testing.T) {
	m := mount(t)
	m.sh("echo ok > ctl/pull; chmod 755 .")
	as := "setpriv --reuid=65534 --regid=65534 --clear-groups "
	m.want(as+"readlink alpine; "+as+"head -c 11 README.md", "docker.io/library/alpine/latest\n# Container")
	for _, script := range []string{
		"ls ctl", "cat ctl/pull", "cat ctl/jobs/1/wait", "cat ctl/events", "cat .accesslog", "sh -c 'echo ok > ctl/pull'",
	} {
		if got := m.sh(as + script); !strings.Contains(got, "Permission denied\n") {
			t.Errorf("%s: %s", script, got)
		}
	}
	if n := len(m.engine.pulled()); n != 1 {
		t.Errorf("%d pulls", n)
	}
}

func readersOf(t *testing.T, m *testMount, path string) int {
	t.Helper()
	file, ok := m.files.File(path)
	if !ok {
		t.Fatal(path)
	}
	return file.(*control.Feed).Readers()
}
