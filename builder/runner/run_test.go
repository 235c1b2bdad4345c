package runner

import (
	"strings"
	"testing"
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
