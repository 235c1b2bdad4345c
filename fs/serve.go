package fs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
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
	Pins       bool   // the holder has the mount's pins in the store, and hands them down
}

// Serve answers both trees on the descriptors that the holder hands down, until they are unmounted. args is what
// follows "serve" on the command line. When ctx ends, which is how a server makes way for another, Serve returns at once
// and the process must end: what is at work is neither cancelled nor answered, but left to the successor as it stands.
func Serve(ctx context.Context, args []string) error {
	s, err := newServer(args)
	if err != nil {
		return errors.Join(err, conn.Refuse(err))
	}
	if err := conn.Ready(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// server answers the two connections of one mount.
type server struct {
	store       *store.Store
	engine      *imagefs.Engine
	content     *content.FS
	contentConn *conn.Server
	names       *names.FS
	namesConn   *conn.Server

	ctx    context.Context // of all that the server does by itself
	cancel context.CancelFunc
}

func newServer(args []string) (*server, error) {
	var c serveConfig
	if len(args) != 1 {
		return nil, errors.New("serve is started by imagefs mount")
	}
	err := json.Unmarshal([]byte(args[0]), &c)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	s := &server{}
	if s.store, err = store.Open(c.Root); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.engine = imagefs.New(s.store, registry.New(registry.Options{
		Insecure: c.Insecure, Mirrors: c.Mirrors, SearchURL: c.SearchURL,
	}))
	s.engine.UseContent(c.Place.Content)
	pins, err := s.pins(c)
	if err != nil {
		return nil, err
	}
	s.content = content.New(s.store, pins, log.Printf)
	s.contentConn, err = conn.NewServer(inherited(5), inherited(6), s.content, conn.Options{
		Fuse: content.MountOptions(), Workers: contentWorkers, Teller: teller,
	})
	if err != nil {
		return nil, err
	}
	s.names, err = names.New(s.ctx, s.engine, names.Config{
		Mountpoint: c.Place.Mountpoint, Content: c.Place.Content,
		State: c.Place.State, Connection: c.Connection, Log: log.Printf,
	})
	if err != nil {
		return nil, err
	}
	s.namesConn, err = conn.NewServer(inherited(3), inherited(4), s.names, conn.Options{
		Fuse: names.MountOptions(), Poll: s.names.Poll, Teller: teller,
	})
	return s, err
}

// teller is this binary's hidden command "tell", which is [conn.Tell].
func teller() *exec.Cmd { return exec.Command("/proc/self/exe", "tell") }

// pins are what the mount keeps in the store; nil if the holder has none.
func (s *server) pins(c serveConfig) (content.Pins, error) {
	if !c.Pins {
		return nil, nil
	}
	return s.store.OpenPins(inherited(7))
}

// run serves until the first of the trees is unmounted; the holder then takes the other down.
func (s *server) run() error {
	var tasks sync.WaitGroup
	s.names.Connect(s.namesConn)
	ended := make(chan error, 2)
	go func() { ended <- s.namesConn.Serve() }()
	go func() { ended <- s.contentConn.Serve() }()
	tasks.Go(s.watch)
	tasks.Go(s.adopt)
	tasks.Go(s.sweep)
	tasks.Go(func() { s.content.LetGo(s.ctx, s.contentConn) })
	if s.contentConn.TookOver() {
		// Tags may have moved while no server watched.
		s.content.Changed(s.contentConn, nil, s.store.Snapshot())
		s.names.TakeOver()
	}
	err := <-ended
	s.cancel()
	tasks.Wait()
	s.names.Wait()
	return err
}

// watch tells both trees, and through them the kernel, of what any process changes.
func (s *server) watch() {
	err := s.store.Watch(s.ctx, func(old, new *store.Snapshot) {
		s.content.Changed(s.contentConn, old, new)
		s.names.Changed()
	})
	if err != nil {
		log.Printf("changes that other processes make to %s will not be seen: %v", s.store.Dir(), err)
	}
}

// adopt unpacks what other programs put into the layout.
func (s *server) adopt() {
	if err := s.store.Adopt(s.ctx); err != nil && s.ctx.Err() == nil {
		log.Printf("some images of %s cannot be shown: %v", s.store.Dir(), err)
	}
}

// sweep removes what builds that were killed have left.
func (s *server) sweep() {
	if err := s.engine.SweepBuilds(s.ctx); err != nil && s.ctx.Err() == nil {
		log.Printf("something is left of a build in %s: %v", s.store.Dir(), err)
	}
}

// inherited is a descriptor that the holder handed down; see held.files.
func inherited(fd uintptr) *os.File { return os.NewFile(fd, fmt.Sprintf("fd %d", fd)) }
