package fs

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/fs/conn"
	"github.com/imagefs/imagefs/fs/content"
	"github.com/imagefs/imagefs/store"
)

// contentEnv names the content tree of a process that [RunPrivately] has started.
const contentEnv = "IMAGEFS_CONTENT"

// private is the one argument of the command "private", as JSON.
type private struct {
	Root string
	Args []string
}

// Privately is this binary with these arguments in a mount namespace of its own, in which the content tree of the store at
// root is mounted: [ContentOf] finds it there. The binary's hidden command "private" serves it meanwhile, and ends with its
// status. It is not started yet.
func Privately(root string, args []string) (*exec.Cmd, error) {
	config, err := json.Marshal(private{root, args})
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe", "private", string(config))
	cmd.Args[0] = os.Args[0]
	cmd.SysProcAttr = &unix.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	return cmd, nil
}

// RunPrivately runs [Privately]'s command with this process's input and output, and passes on the signals that this process
// gets; if this process is killed, it is too. The error has the exit status.
func RunPrivately(root string, args []string) error {
	cmd, err := Privately(root, args)
	if err != nil {
		return err
	}
	return runInPlace(cmd)
}

// runInPlace runs a command as if it were this process.
func runInPlace(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr.Pdeathsig = unix.SIGKILL
	runtime.LockOSThread() // whose death is the parent's
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case s := <-signals:
				if !isOfTerminal(s) {
					_ = cmd.Process.Signal(s) // it may have ended
				}
			case <-ended:
				return
			}
		}
	}()
	return cmd.Wait()
}

// isOfTerminal tells whether a signal is one that the terminal sends to all processes in its foreground, where this one is.
func isOfTerminal(s os.Signal) bool {
	if s != unix.SIGINT && s != unix.SIGQUIT {
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// ServePrivately is the command "private": its mounts go with its namespace, when it and what it runs have ended.
func ServePrivately(args []string) error {
	var p private
	if len(args) != 1 {
		return errors.New("private is started by other commands")
	}
	if err := json.Unmarshal([]byte(args[0]), &p); err != nil {
		return err
	}
	dir, err := runDir() // which is another's outside
	if err != nil {
		return err
	}
	s, err := store.Open(p.Root)
	if err != nil {
		return err
	}
	defer s.Close()
	slots, err := conn.NewSlots(contentWorkers, content.MountOptions().MaxWrite+slotHeader)
	if err != nil {
		return err
	}
	dev, err := conn.Mount(dir, conn.MountOptions{
		FSName: "imagefs", Subtype: subtype, ReadOnly: true, MaxRead: content.MountOptions().MaxWrite,
	})
	if err != nil {
		return err
	}
	tree := content.New(s, nil, log.Printf)
	server, err := conn.NewServer(dev, slots, tree, conn.Options{
		Fuse: content.MountOptions(), Workers: contentWorkers,
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve() }()
	defer watchPrivately(s, tree, server)()
	cmd := exec.Command("/proc/self/exe", p.Args...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), contentEnv+"="+dir)
	cmd.SysProcAttr = &unix.SysProcAttr{}
	err = runInPlace(cmd)
	err = errors.Join(err, container.UnmountAll(context.Background(), dir, true)) // or the tree would stay for them
	return errors.Join(err, conn.Unmount(dir, true), <-ended)
}

// watchPrivately has the tree show what appears in the store, until stop is called.
func watchPrivately(s *store.Store, tree *content.FS, server *conn.Server) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := s.Watch(ctx, func(old, new *store.Snapshot) { tree.Changed(server, old, new) })
		if err != nil {
			log.Printf("what appears in %s will not be seen: %v", s.Dir(), err)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
