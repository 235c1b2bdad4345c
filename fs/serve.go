package fs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/fs/conn"
	"github.com/imagefs/imagefs/fs/content"
	"github.com/imagefs/imagefs/fs/names"
	"github.com/imagefs/imagefs/registry"
	"github.com/imagefs/imagefs/store"
)

// serveConfig is the one argument of the command "serve", as JSON.
type serveConfig struct {
	MountConfig
	Place      place
	Connection string // names this mount, for all its servers
}

// Serve answers both trees on the descriptors that the holder hands down, until they are unmounted. args is what
// follows "serve" on the command line.
func Serve(ctx context.Context, args []string) error {
	var c serveConfig
	if len(args) != 1 {
		return errors.New("serve is started by imagefs mount")
	}
	if err := json.Unmarshal([]byte(args[0]), &c); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	s, err := store.Open(c.Root)
	if err != nil {
		return err
	}
	defer s.Close()
	engine := imagefs.New(s, registry.New(registry.Options{Insecure: c.Insecure, Mirrors: c.Mirrors}))
	return serve(ctx, engine, c)
}

func serve(ctx context.Context, engine *imagefs.Engine, c serveConfig) error {
	ctx, cancel := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel()
	s := engine.Store()
	contentFS := content.New(s, log.Printf)
	namesFS, err := names.New(ctx, engine, names.Config{
		Mountpoint: c.Place.Mountpoint, Content: c.Place.Content,
		State: c.Place.State, Connection: c.Connection, Log: log.Printf,
	})
	if err != nil {
		return err
	}
	contentConn, err := conn.NewServer(inherited(5), inherited(6), contentFS, conn.Options{
		Fuse: content.MountOptions(), Workers: contentWorkers,
	})
	if err != nil {
		return err
	}
	namesConn, err := conn.NewServer(inherited(3), inherited(4), namesFS, conn.Options{
		Fuse: names.MountOptions(), Poll: namesFS.Poll,
	})
	if err != nil {
		return err
	}
	if err := conn.Ready(); err != nil {
		return err
	}
	tasks.Go(func() {
		err := s.Watch(ctx, func(old, new *store.Snapshot) {
			contentFS.Changed(contentConn, old, new)
			namesFS.Changed(old, new)
		})
		if err != nil && ctx.Err() == nil {
			log.Printf("changes that other processes make to %s will not be seen: %v", s.Dir(), err)
		}
	})
	tasks.Go(func() {
		if err := s.Adopt(ctx); err != nil && ctx.Err() == nil {
			log.Printf("some images of %s cannot be shown: %v", s.Dir(), err)
		}
	})
	// Whichever tree is unmounted first, the server ends, and the holder takes the other down.
	ended := make(chan error, 2)
	go func() { ended <- namesConn.Serve() }()
	go func() { ended <- contentConn.Serve() }()
	return <-ended
}

// inherited is a descriptor that the holder handed down; see held.files.
func inherited(fd uintptr) *os.File { return os.NewFile(fd, fmt.Sprintf("fd %d", fd)) }
