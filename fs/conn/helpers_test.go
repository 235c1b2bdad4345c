package conn

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	pidFileEnv = "CONN_TEST_PIDFILE"
	fifoEnv    = "CONN_TEST_FIFO"
)

var helpers = map[string]func() error{
	"content":  func() error { return serveToy(Options{Workers: 4}, 128<<10) },
	"names":    func() error { return serveToy(Options{}, 128<<10) },
	"teller":   Tell,
	"dark":     serveDark,
	"stranger": func() error { return serveToy(Options{}, 64<<10) },
	"refuser":  func() error { return errors.New("the store is of a newer version") },
	"mute":     func() error { select {} },
	"holder":   holdHelper,
	"mounter":  mountHelper,
	"walker":   walkHelper,
	"readers":  readHelper,
}

// serveToy is the server process: descriptors 3 and 4 are a device and its slots.
func serveToy(o Options, maxWrite int) error {
	o.Fuse = &fuse.MountOptions{MaxWrite: maxWrite, IgnoreSecurityLabels: true}
	f := newToy()
	f.fifo = os.Getenv(fifoEnv)
	s, err := NewServer(os.NewFile(3, "device"), os.NewFile(4, "slots"), f, o)
	if err != nil {
		return err
	}
	if err := notePid(); err != nil {
		return err
	}
	if err := Ready(); err != nil {
		return err
	}
	return s.Serve()
}

// notePid writes the process id down for the test, if it wants it.
func notePid() error {
	file := os.Getenv(pidFileEnv)
	if file == "" {
		return nil
	}
	return errors.Join(os.WriteFile(file+".new", []byte(strconv.Itoa(os.Getpid())), 0o600), os.Rename(file+".new", file))
}

func serveDark() error {
	f := &darkToy{toy: newToy()}
	f.cached = true
	s, err := NewServer(os.NewFile(3, "device"), os.NewFile(4, "slots"), f, Options{
		Fuse: &fuse.MountOptions{MaxWrite: 128 << 10, IgnoreSecurityLabels: true}, Workers: 4,
		Teller: func() *exec.Cmd { return helperCommand("teller") },
	})
	if err != nil {
		return err
	}
	f.server = s
	if err := notePid(); err != nil {
		return err
	}
	return errors.Join(Ready(), s.Serve())
}

// mounted is a mount of the toy and what a holder keeps of it.
type mounted struct {
	dir        string
	dev, slots *os.File
}

func mountToy(t *testing.T, slots int) *mounted {
	t.Helper()
	m := &mounted{dir: t.TempDir()}
	var err error
	m.slots, err = NewSlots(slots, 132<<10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.slots.Close() })
	m.dev, err = Mount(m.dir, MountOptions{FSName: fsName, Subtype: "toy", AllowOther: true, MaxRead: 128 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			Abort(m.dir) // nobody shall wait for what a broken server has forgotten
		}
		m.dev.Close()
		Unmount(m.dir, true) // EINVAL if the test has done it
	})
	return m
}

// serve answers the mount from within the test, until it is unmounted or the test ends.
func (m *mounted) serve(t *testing.T, f *toy, o Options) *Server {
	t.Helper()
	if o.Fuse == nil {
		o.Fuse = &fuse.MountOptions{MaxWrite: 128 << 10, IgnoreSecurityLabels: true}
	}
	s, err := NewServer(m.dev, m.slots, f, o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		Unmount(m.dir, true)
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if n := f.unmounts.Load(); n != 1 {
			t.Errorf("OnUnmount was called %d times", n)
		}
	})
	return s
}

// held is a mount of the toy with a holder in the test and a server in a child.
type held struct {
	*mounted
	holder  *Holder
	pidFile string
	fifo    string
	ended   chan error
}

// hold has servers of a kind of helpers answer the mount. An upgrade is to another kind, for which a script stands.
func hold(t *testing.T, helper string, slots int, env ...string) *held {
	t.Helper()
	state := t.TempDir()
	h := &held{
		mounted: mountToy(t, slots),
		pidFile: filepath.Join(state, "pid"),
		fifo:    filepath.Join(state, "fifo"),
		ended:   make(chan error, 1),
	}
	if err := mkfifo(h.fifo); err != nil {
		t.Fatal(err)
	}
	h.holder = &Holder{
		Files: []*os.File{h.dev, h.mounted.slots},
		Log:   t.Logf,
		Command: func(upgrade string) *exec.Cmd {
			if upgrade == "" {
				upgrade = helper
			}
			cmd := helperCommand(upgrade)
			cmd.Env = append(cmd.Env, pidFileEnv+"="+h.pidFile, fifoEnv+"="+h.fifo)
			cmd.Env = append(cmd.Env, env...)
			return cmd
		},
	}
	go func() { h.ended <- h.holder.Run(context.Background()) }()
	t.Cleanup(func() {
		if t.Failed() {
			Abort(h.dir)
		}
		Unmount(h.dir, true)
		if err := <-h.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	h.pidAfter(t, 0)
	return h
}

func helperCommand(helper string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperEnv+"="+helper, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

// pidAfter waits for a server that is not the one of that process id, and returns its process id.
func (h *held) pidAfter(t *testing.T, old int) (pid int) {
	t.Helper()
	eventually(t, "a new server", func() bool {
		text, _ := os.ReadFile(h.pidFile)
		pid, _ = strconv.Atoi(string(text))
		return pid != 0 && pid != old
	})
	return pid
}

// readable tells whether the mount answers.
func (h *held) readable(t *testing.T) {
	t.Helper()
	if _, err := cat(filepath.Join(h.dir, "d1", "f1")); err != nil {
		t.Error(err)
	}
}

// writer writes to the gate.
func (h *held) writer(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", `echo x > "$0"`, filepath.Join(h.dir, "gate"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}
