package fs

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

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

// RunPrivately runs this binary with these arguments in a mount namespace of its own, in which the content tree of the
// store at root is mounted: [ContentOf] finds it there. The binary's hidden command "private" serves it meanwhile. The
// error has the exit status.
func RunPrivately(ctx context.Context, root string, args []string) error {
	config, err := json.Marshal(private{root, args})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "private", string(config))
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.SysProcAttr = &unix.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	return cmd.Run()
}

// ServePrivately is the command "private": its mounts go with its namespace, when it and what it runs have ended.
func ServePrivately(ctx context.Context, args []string) error {
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
	defer watchPrivately(ctx, s, tree, server)()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", p.Args...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), contentEnv+"="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	err = cmd.Run()
	return errors.Join(err, conn.Unmount(dir, true), <-ended)
}

// watchPrivately has the tree show what appears in the store, until stop is called.
func watchPrivately(ctx context.Context, s *store.Store, tree *content.FS, server *conn.Server) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
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
