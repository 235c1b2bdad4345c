package runner

import "testing"

// TestTerminal runs a process with a terminal where the caller has none.
func TestTerminal(t *testing.T) {
	s := shell(t, busybox(t, ""), "tty; echo $TERM")
	s.Terminal = true
	if got := output(t, s); got != "/dev/pts/0\r\nxterm\r\n" {
		t.Errorf("got %q", got)
	}
}
