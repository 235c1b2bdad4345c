package conn

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// darkToy does not answer a LOOKUP of "dark" in the root, nor a READ of f1 in d1, but has the kernel told of something
// that waits for that. Its successor answers.
type darkToy struct {
	*toy
	server *Server
}

func (f *darkToy) Lookup(c <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if name == "dark" && !f.server.TookOver() {
		go f.server.EntryNotify(1, "d1")
		select {}
	}
	return f.toy.Lookup(c, h, name, out)
}

func (f *darkToy) Read(c <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	if in.NodeId == 3001 && !f.server.TookOver() {
		go f.server.InodeNotify(3001, 0, 0)
		select {}
	}
	return f.toy.Read(c, in, buf)
}

// TestKilledWhileTelling kills a server for whose answer the kernel holds a lock, which a notification waits for.
func TestKilledWhileTelling(t *testing.T) {
	for _, name := range []string{"dark", "d1/f1"} {
		t.Run(name, func(t *testing.T) {
			h := hold(t, "dark", 16)
			reader := exec.Command("cat", filepath.Join(h.dir, name))
			if err := reader.Start(); err != nil {
				t.Fatal(err)
			}
			pid := h.pidAfter(t, 0)
			eventually(t, "the teller to wait", func() bool { return tellerWaits(pid) })
			syscall.Kill(pid, syscall.SIGKILL)
			h.pidAfter(t, pid)
			if err := reader.Wait(); (err == nil) != (name != "dark") {
				t.Error(err)
			}
			h.readable(t)
		})
	}
}

// tellerWaits tells whether a child of a process waits for something that no signal ends.
func tellerWaits(pid int) bool {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(children)) {
			threads, _ := filepath.Glob("/proc/" + child + "/task/*/stat")
			for _, thread := range threads {
				stat, _ := os.ReadFile(thread)
				if bytes.Contains(stat, []byte(") D ")) {
					return true
				}
			}
		}
	}
	return false
}
