package conn

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fsName marks this package's mounts in /proc/self/mountinfo.
const fsName = "imagefs-conn-test"

// helperEnv makes the test binary a server, or another helper; see helpers.
const helperEnv = "CONN_TEST_HELPER"

func TestMain(m *testing.M) {
	if helper := os.Getenv(helperEnv); helper != "" {
		run, ok := helpers[helper]
		if !ok {
			os.Exit(2)
		}
		if err := run(); err != nil {
			Refuse(err)
			fmt.Fprintln(os.Stderr, helper+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// The runtime's own descriptors come with the first use of its poller.
	r, w, _ := os.Pipe()
	r.Close()
	w.Close()
	before := descriptors()
	time.AfterFunc(2*time.Minute, giveUp)
	code := m.Run()
	// go-fuse's own server, which benchmarks are compared with, keeps its pipes.
	benchmarks := flag.Lookup("test.bench").Value.String() != ""
	if left := leftovers(before); left != "" && !benchmarks {
		fmt.Fprintln(os.Stderr, "left behind:", left)
		code = 1
	}
	os.Exit(code)
}

// giveUp ends tests that hang. What waits for a mount cannot be killed, and others who touch the mount would wait, too.
func giveUp() {
	for _, line := range mounts() {
		Abort(strings.Fields(line)[4])
	}
	fmt.Fprintln(os.Stderr, "the tests hang")
	os.Exit(2)
}

// mounts are the lines of /proc/self/mountinfo that tell of this package's mounts.
func mounts() (ours []string) {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, fsName) {
			ours = append(ours, strings.TrimSpace(line))
		}
	}
	return ours
}

// leftovers tells of mounts, children and descriptors that the tests have not cleaned up.
func leftovers(before map[string]bool) string {
	var left []string
	for _, line := range mounts() {
		left = append(left, "mount "+line)
	}
	if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != syscall.ECHILD {
		left = append(left, fmt.Sprintf("a child, %d %v", pid, err))
	}
	for fd := range descriptors() {
		if !before[fd] {
			left = append(left, "descriptor "+fd)
		}
	}
	return strings.Join(left, "\n")
}

// descriptors lists what is open, "number target".
func descriptors() map[string]bool {
	all := map[string]bool{}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			all[e.Name()+" "+target] = true
		}
	}
	return all
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
