package conn

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// knows asks the kernel.
func knows(t *testing.T, s *Server, node uint64) bool {
	t.Helper()
	known, err := s.Knows(node)
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// TestKnows has the kernel know a node by each thing that may use it, while its directory loses its name.
func TestKnows(t *testing.T) {
	m, f := mountToy(t, 16), newToy()
	f.cached = true
	s := m.serve(t, f, Options{Workers: 4})
	for i, use := range []func(dir string) (end func()){
		func(string) func() { return func() {} },
		func(dir string) func() {
			file, err := os.Open(filepath.Join(dir, "f1"))
			if err != nil {
				t.Fatal(err)
			}
			return func() { file.Close() }
		},
		func(dir string) func() {
			cmd := exec.Command("sleep", "100")
			cmd.Dir = dir
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			return func() { cmd.Process.Kill(); cmd.Wait() }
		},
	} {
		name := []string{"d1", "d2", "d3"}[i]
		node := f.find(1, name)
		dir := filepath.Join(m.dir, name)
		if knows(t, s, node) {
			t.Fatalf("%s is known beforehand", name)
		}
		if _, err := os.ReadDir(dir); err != nil {
			t.Fatal(err)
		}
		end := use(dir)
		if !knows(t, s, node) {
			t.Fatalf("%s is not known", name)
		}
		if err := s.EntryNotify(1, name); err != nil {
			t.Fatal(err)
		}
		if used := i > 0; knows(t, s, node) != used {
			t.Errorf("%s is known: %v", name, !used)
		}
		end()
		if i == 1 { // what was closed stays in the cache of names
			if !knows(t, s, node) {
				t.Errorf("%s is not known", name)
			}
			if err := s.EntryNotify(node, "f1"); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, name+" is forgotten", func() bool { return !knows(t, s, node) })
	}
}

// TestPrune prunes a directory that is in use, and is not any more.
func TestPrune(t *testing.T) {
	m, f := mountToy(t, 16), newToy()
	f.cached = true
	s := m.serve(t, f, Options{Workers: 4})
	node := f.find(1, "d1")
	dir, err := os.Open(filepath.Join(m.dir, "d1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(node); errors.Is(err, syscall.EINVAL) {
		t.Skip("this kernel cannot prune")
	} else if err != nil {
		t.Fatal(err)
	}
	if !knows(t, s, node) {
		t.Error("an open directory was pruned")
	}
	dir.Close()
	eventually(t, "d1 is pruned", func() bool {
		if err := s.Prune(node); err != nil {
			t.Fatal(err)
		}
		return !knows(t, s, node)
	})
}

// TestSettle waits for a request that was at work, and for none that comes later.
func TestSettle(t *testing.T) {
	m, f := mountToy(t, 16), newToy()
	s := m.serve(t, f, Options{})
	s.Settle()
	cmd := exec.Command("cat", filepath.Join(m.dir, "slow"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the read begins", func() bool { return f.waiting.Load() == 1 })
	settled := make(chan struct{})
	go func() { s.Settle(); close(settled) }()
	select {
	case <-settled:
		t.Error("a request is at work")
	case <-time.After(20 * time.Millisecond):
	}
	cmd.Process.Signal(syscall.SIGINT)
	<-settled
	cmd.Wait()
}
