package fs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/fs/conn"
	"github.com/imagefs/imagefs/fs/content"
	"github.com/imagefs/imagefs/fs/names"
	"github.com/imagefs/imagefs/store"
)

// MountConfig says what to mount, and where.
type MountConfig struct {
	Mountpoint string // of the names tree; an existing directory
	Content    string // of the content tree; "" for its place under RUN
	Root       string // the store's directory
	AllowOther bool
	Insecure   []string // as registry.Options has them
	Mirrors    []string
	SearchURL  string
}

// Slots of the two connections. A names request may block, and each takes a slot until it is answered; a content
// request never does.
const (
	namesSlots     = 256
	contentWorkers = 4
	slotHeader     = 4096 // room for a request's own structures beside MaxWrite bytes
)

// Mount mounts both trees and holds them until they are unmounted or ctx ends, which unmounts them. ready is called
// once both answer. A mount whose holder was killed is cleared away first; one that lives is an error of kind InUse.
func Mount(ctx context.Context, c MountConfig, ready func()) error {
	p, err := placeOf(c.Mountpoint, c.Content)
	if err != nil {
		return err
	}
	p.Root = c.Root
	release, err := p.lock()
	if err != nil {
		return err
	}
	defer release()
	// A store that cannot be opened is said here, not by a server that cannot start.
	s, err := store.Open(c.Root)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	if err := errors.Join(p.clear(), p.write()); err != nil {
		return err
	}
	m, err := mountBoth(p, c)
	if err != nil {
		return err
	}
	if m.config.Pins {
		defer collect(c.Root)
	}
	defer m.close()
	return m.hold(ctx, ready)
}

// collectTime is how long unmounting waits for who writes to the store.
const collectTime = 10 * time.Second

// collect removes from the disk what was removed from the store while a mount, which is no more, still had it.
func collect(root string) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTime)
	defer cancel()
	s, err := store.Open(root)
	if err == nil {
		_, err = s.Collect(ctx)
		err = errors.Join(err, s.Close())
	}
	if err != nil {
		log.Printf("what was removed from %s may still take space: %v", root, err)
	}
}

// clear detaches what a killed holder left behind.
func (p place) clear() error {
	for _, dir := range []string{p.Content, p.Mountpoint} {
		for {
			ok, err := mounted(dir)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := conn.Unmount(dir, true); err != nil {
				return err
			}
		}
	}
	st, err := os.Stat(p.Mountpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return &imagefs.Error{
			Kind: imagefs.NotFound, Subject: p.Mountpoint,
			Err: fmt.Errorf("%s does not exist", p.Mountpoint), Hint: "mkdir " + p.Mountpoint,
		}
	}
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return &imagefs.Error{
			Kind: imagefs.Invalid, Subject: p.Mountpoint,
			Err: fmt.Errorf("%s is not a directory", p.Mountpoint),
		}
	}
	return os.MkdirAll(p.Content, 0o755)
}

// held is a pair of mounted trees and the files that keep them.
type held struct {
	place  place
	config serveConfig
	// Descriptors 3 to 7 of the server: names device, names slots, content device, content slots, pins if there are any.
	files  []*os.File
	holder conn.Holder
}

func mountBoth(p place, c MountConfig) (_ *held, err error) {
	m := &held{place: p, config: serveConfig{MountConfig: c, Place: p, Connection: rand.Text()}}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	contentOptions, namesOptions := content.MountOptions(), names.MountOptions()
	err = m.add(p.Mountpoint, namesSlots, conn.MountOptions{
		FSName: "imagefs", Subtype: subtype, AllowOther: c.AllowOther, MaxRead: namesOptions.MaxWrite,
	}, namesOptions.MaxWrite)
	if err != nil {
		return nil, err
	}
	err = m.add(p.Content, contentWorkers, conn.MountOptions{
		FSName: "imagefs", Subtype: subtype, ReadOnly: true, AllowOther: c.AllowOther, MaxRead: contentOptions.MaxWrite,
	}, contentOptions.MaxWrite)
	if err != nil {
		return nil, errors.Join(err, conn.Unmount(p.Mountpoint, true))
	}
	if err := m.pin(); err != nil {
		return nil, errors.Join(err, m.unmount(true))
	}
	return m, nil
}

// add mounts one tree and makes its slots.
func (m *held) add(dir string, slots int, o conn.MountOptions, maxWrite int) error {
	memory, err := conn.NewSlots(slots, maxWrite+slotHeader)
	if err != nil {
		return err
	}
	m.files = append(m.files, nil, memory)
	dev, err := conn.Mount(dir, o)
	if err != nil {
		return err
	}
	m.files[len(m.files)-2] = dev
	return nil
}

// pin takes the mount's pins in the store. There are none where this process cannot write.
func (m *held) pin() error {
	pins, err := store.LockPins(m.config.Root, m.config.Connection)
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		log.Printf("images that are removed from %s while somebody reads them are lost to them: %v", m.config.Root, err)
		return nil
	}
	if err != nil {
		return err
	}
	m.files, m.config.Pins = append(m.files, pins), true
	return nil
}

func (m *held) close() {
	for _, f := range m.files {
		f.Close() // a nil *os.File says so, and is none of our concern
	}
}

// hold runs servers until the trees are unmounted.
func (m *held) hold(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	m.holder = conn.Holder{Files: m.files, Command: m.command, Log: log.Printf}
	wait, err := m.place.listen(ctx, m.handle)
	if err != nil {
		cancel()
		return errors.Join(err, m.unmount(true))
	}
	defer wait()
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- m.holder.Run(context.WithoutCancel(ctx)) }()
	go m.upgradeOnHangup(ctx)
	go func() {
		// Each blocks until a server answers.
		if _, err := os.Stat(m.place.Mountpoint); err != nil {
			return
		}
		if _, err := os.Stat(m.place.Content); err == nil {
			ready()
		}
	}()
	select {
	case err := <-ended:
		return errors.Join(err, m.unmount(true))
	case <-ctx.Done():
		err := m.unmount(true)
		return errors.Join(err, <-ended)
	}
}

// command starts this binary, or the one to upgrade to, as the server.
func (m *held) command(upgrade string) *exec.Cmd {
	binary := upgrade
	if binary == "" {
		binary = fmt.Sprintf("/proc/%d/exe", os.Getpid()) // this very one, whatever stands at its path by now
	}
	config, err := json.Marshal(m.config)
	if err != nil {
		panic(err) // strings and booleans only
	}
	return exec.Command(binary, "serve", string(config))
}

// handle carries out what is asked on the socket.
func (m *held) handle(req request) error {
	switch req.Verb {
	case "umount":
		return m.unmount(false)
	case "upgrade":
		return m.holder.Upgrade(context.Background(), req.Binary)
	}
	return &imagefs.Error{Kind: imagefs.Invalid, Subject: req.Verb, Err: fmt.Errorf("unknown request %q", req.Verb)}
}

// upgradeOnHangup starts a new server of the binary that stands at this one's path, at each SIGHUP.
func (m *held) upgradeOnHangup(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			path, err := os.Executable()
			if err == nil {
				err = m.holder.Upgrade(ctx, path)
			}
			if err != nil {
				log.Printf("upgrade: %v", err)
			}
		}
	}
}
