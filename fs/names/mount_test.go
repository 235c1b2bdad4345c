package names

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/imagefs/imagefs/store/storetest"
)

// TestShell types what a user would.
func TestShell(t *testing.T) {
	m := mount(t)
	for _, c := range []struct{ script, output string }{
		{"readlink docker.io/library/alpine/3.19", "../../../by-id/" + idOf(t, "alpine") + "\n"},
		{"readlink alpine:3.19 alpine golang by-id", "docker.io/library/alpine/3.19\ndocker.io/library/alpine/latest\n" +
			"docker.io/library/golang\n/run/imagefs/test\n"},
		{"ls docker.io/library/alpine localhost:5000/a/b", "docker.io/library/alpine:\n3.19\n3.19@linux-arm-v7\nlatest\nstable\n\n" +
			"localhost:5000/a/b:\n:c\nc\n"},
		{"readlink myuser/app:1", "app/1\n"},
		{"ls -A | tr '\\n' ' '", ".stats :images.json README.md by-id containers ctl dangling docker.io exports images images.json imports localhost:5000 quay.io search "},
		{"ls ctl ctl/jobs", "ctl:\nbuild\ncancel\ncommit\ncreate\nerrors\nimport\njobs\nload\nprune\npull\npush\nrm\nrmi\nsave\nsearch\ntag\n\nctl/jobs:\n"},
		{"cat nope", "cat: nope: No such file or directory\nexit status 1\n"},
		{"test $(stat -c %s images) = $(cat images | wc -c) && tail -c 3 images", "6B\n"},
		{"echo x > images", "bash: line 1: images: Permission denied\nexit status 1\n"},
		{"echo x > new", "bash: line 1: new: Operation not permitted\nexit status 1\n"},
		{"echo x > ctl/nope", "bash: line 1: ctl/nope: No such file or directory\nexit status 1\n"},
		{"chmod 644 ctl/pull", "chmod: changing permissions of 'ctl/pull': Operation not permitted\nexit status 1\n"},
		{"touch ctl/pull", ""},
		{"stat -c '%A %U %F' ctl ctl/pull ctl/errors README.md", "drwx------ root directory\n" +
			"-rw------- root regular empty file\n-r-------- root regular empty file\n-r--r--r-- root regular file\n"},
	} {
		m.want(c.script, c.output)
	}
	if pulls := m.engine.pulled(); len(pulls) != 0 {
		t.Errorf("pulled %v", pulls)
	}
}

func TestPull(t *testing.T) {
	m := mount(t)
	notFound := "bash: line 1: echo: write error: No such file or directory\n"
	for _, c := range []struct{ script, output string }{
		{"echo ok > ctl/pull && echo yes", "yes\n"},
		{"printf ok >> ctl/pull && echo yes", "yes\n"},
		{"echo ok > ctl/pull; cat ctl/jobs/latest/{command,status,result,log,progress}", "pull ok\ndone\n" +
			"Pulling ok\nStatus: Downloaded ok\n" +
			"Pulling ok\n0123456789ab: Downloading\nStatus: Downloaded ok\n" +
			`{"job":3,"status":"done","done":10,"total":100,"rate":0,"layers":[{"id":"0123456789ab","status":"Downloading","done":10,"total":100,"rate":0}]}` + "\n"},
		{"echo nope > ctl/pull || echo no", notFound + "no\n"},
		{"exec 3<>ctl/pull; echo ok >&3; cat <&3; cat <&3; echo nope >&3; cat <&3", "Pulling ok\nStatus: Downloaded ok\n" +
			notFound + "Pulling nope\nerror: no such image: nope (try another)\n"},
		{"exec 3<>ctl/pull; echo 1 >&3; read -u 3 line; echo $line; cat <&3", "Pulling 1\nStatus: Downloaded 1\n"},
		{"env printf 'a\\nb\\n# c\\n\\nd' > ctl/pull; cat ctl/jobs/latest/command", "pull d\n"},
		{"echo '# c' > ctl/pull; cat ctl/jobs/latest/command", "pull d\n"},
		{"exec 3<>ctl/pull; env printf 'e\\nnope\\nf\\n' >&3; cat <&3", "printf: write error: No such file or directory\n" +
			"Pulling e\nStatus: Downloaded e\nPulling nope\nerror: no such image: nope (try another)\n"},
		{"echo > ctl/pull", "bash: line 1: echo: write error: Invalid argument\nexit status 1\n"},
		{"echo a b > ctl/pull", "bash: line 1: echo: write error: Invalid argument\nexit status 1\n"},
		{"echo '\"' > ctl/pull", "bash: line 1: echo: write error: Invalid argument\nexit status 1\n"},
		{"echo --bad a > ctl/pull", "bash: line 1: echo: write error: Invalid argument\nexit status 1\n"},
		{"dd if=/dev/zero bs=70000 count=1 of=ctl/pull status=none", "dd: error writing 'ctl/pull': Invalid argument\nexit status 1\n"},
		{"echo x > ctl/errors", "bash: line 1: ctl/errors: Permission denied\nexit status 1\n"},
		{"echo 'alpine --platform=linux/arm64 -a' > ctl/pull; echo '--all-platforms \"a\"' > ctl/pull", ""},
	} {
		m.want(c.script, c.output)
	}
	for _, words := range []string{
		"] pull: error: unknown option: --bad\n  Command: --bad a\n           ^\n  Errno: EINVAL\n  Hint: usage: pull [-d]",
		"] pull: error: no such image: nope\n  Command: nope\n           ^\n  Errno: ENOENT\n  Hint: try another\n",
		"a write holds at most 65536 bytes, not ",
	} {
		if log := m.sh("cat ctl/errors"); !strings.Contains(log, words) {
			t.Errorf("ctl/errors lacks\n%s\nin\n%s", words, log)
		}
	}
	pulls := m.engine.pulled()
	if got, want := strings.Join(pulls[len(pulls)-2:], "\n"),
		"{Ref:alpine Platform:linux/arm64 AllPlatforms:false AllTags:true}\n{Ref:a Platform: AllPlatforms:true AllTags:false}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestReadersDoNothing walks and reads everything: nothing blocks, nothing is pulled, no job begins.
func TestReadersDoNothing(t *testing.T) {
	m := mount(t)
	m.sh("echo '-d slow' > ctl/pull")
	eventually(t, "the pull runs", func() bool { return len(m.engine.pulled()) == 1 })
	m.sh("find . > /dev/null; grep -r . ctl > /dev/null; cat .stats images* > /dev/null; tar -cf - . | cat > /dev/null")
	m.want("ls ctl/jobs", "1\nlatest\n")
	if n := len(m.engine.pulled()); n != 1 {
		t.Errorf("%d pulls", n)
	}
	close(m.engine.release)
}

func TestBackground(t *testing.T) {
	m := mount(t)
	m.want("exec 3<>ctl/pull; echo -d slow >&3; cat <&3; cat ctl/jobs/1/status; readlink ctl/jobs/latest", "1\nrunning\n1\n")
	m.want("dd if=ctl/jobs/1/wait iflag=nonblock status=none",
		"dd: error reading 'ctl/jobs/1/wait': Resource temporarily unavailable\nexit status 1\n")
	close(m.engine.release)
	m.want("cat ctl/jobs/1/wait ctl/jobs/1/status", "Pulling slow\nStatus: Downloaded slow\ndone\n")
	m.want("echo '-d nope' > ctl/pull; cat ctl/jobs/2/wait",
		"cat: ctl/jobs/2/wait: No such file or directory\nexit status 1\n")
	m.want("echo '-d --bad' > ctl/pull", "bash: line 1: echo: write error: Invalid argument\nexit status 1\n")
}

func TestCancel(t *testing.T) {
	m := mount(t)
	m.want("echo -d slow > ctl/pull; echo 1 > ctl/cancel; cat ctl/jobs/1/status; readlink ctl/jobs/latest", "canceled\n1\n")
	m.want("cat ctl/jobs/1/wait", "cat: ctl/jobs/1/wait: Operation canceled\nexit status 1\n")
	m.want("echo 1 > ctl/cancel", "")
	m.want("echo 77 > ctl/cancel", "bash: line 1: echo: write error: No such file or directory\nexit status 1\n")
	m.want("echo latest > ctl/cancel", "bash: line 1: echo: write error: Invalid argument\nexit status 1\n")
	m.want("{ echo slow > ctl/pull; } & until [ $(readlink ctl/jobs/latest) != 1 ]; do :; done; echo $(readlink ctl/jobs/latest) > ctl/cancel; wait",
		"bash: line 1: echo: write error: Operation canceled\n")
}

// TestInterrupt has Ctrl-C end a pull, and a child's end and a window's change not.
func TestInterrupt(t *testing.T) {
	m := mount(t)
	interrupted := "bash: line 1: echo: write error: Interrupted system call\n"
	for i, c := range []struct {
		signal         syscall.Signal
		script, output string
	}{
		{syscall.SIGINT, `trap "echo trapped" INT; echo slow > ctl/pull; echo $?`, interrupted + "trapped\n1\n"},
		{syscall.SIGINT, "echo slow > ctl/pull; echo not reached", "signal: interrupt\n"},
		{syscall.SIGKILL, "echo slow > ctl/pull; echo not reached", "signal: killed\n"},
	} {
		cmd, out := m.start(c.script)
		eventually(t, "the pull runs", func() bool { return len(m.engine.pulled()) == i+1 })
		syscall.Kill(cmd.Process.Pid, c.signal)
		if got := m.wait(cmd, out); got != c.output {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", c.script, got, c.output)
		}
		m.want(fmt.Sprintf("cat ctl/jobs/%d/wait", i+1),
			fmt.Sprintf("cat: ctl/jobs/%d/wait: Operation canceled\nexit status 1\n", i+1))
	}
	cmd, out := m.start(`trap : CHLD WINCH; (until [ -e ctl/jobs/4 ]; do :; done) & echo slow > ctl/pull && echo yes`)
	eventually(t, "its child has ended", func() bool { return childSignalWaits(cmd.Process.Pid) })
	syscall.Kill(cmd.Process.Pid, syscall.SIGWINCH)
	close(m.engine.release)
	if got := m.wait(cmd, out); got != "yes\n" {
		t.Errorf("got %s", got)
	}
}

// childSignalWaits tells whether a process has SIGCHLD and nothing else pending, as proc_pid_status(5) shows it.
func childSignalWaits(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && strings.Contains(string(status), fmt.Sprintf("ShdPnd:\t%016x\n", 1<<(syscall.SIGCHLD-1)))
}

// TestTwoWriters has two shells write with ">" at once: neither waits for the other.
func TestTwoWriters(t *testing.T) {
	m := mount(t)
	m.want(`echo slow > ctl/pull & until [ -e ctl/jobs/1 ]; do :; done
echo ok > ctl/pull; echo ok >> ctl/pull; cat ctl/pull > /dev/null; stat -c %s ctl/pull; cat ctl/jobs/1/status; echo 1 > ctl/cancel; wait $!`,
		"0\nrunning\nbash: line 1: echo: write error: Operation canceled\nexit status 1\n")
}

// TestOtherProcess has another process, told from one only by its pid, pull: what it did is there at once.
func TestOtherProcess(t *testing.T) {
	m := mount(t)
	m.want("ls docker.io/library; test -e docker.io/library/new; echo $?", "alpine\ngolang\n1\n")
	other := storetest.Open(t, m.store.Dir())
	testImage(t, "arm").Publish(t, other, "docker.io/library/new:1")
	testImage(t, "arm").Publish(t, other, "docker.io/library/alpine:latest")
	m.want("ls docker.io/library; readlink docker.io/library/{new/1,alpine/latest} new:1; grep -c new images",
		"alpine\ngolang\nnew\n../../../by-id/"+idOf(t, "arm")+"\n../../../by-id/"+idOf(t, "arm")+
			"\ndocker.io/library/new/1\n1\n")
}
