package imagefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	digest "github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/builder/copying"
	"github.com/imagefs/imagefs/builder/runner"
)

// runMount is one of a RUN's mounts.
type runMount struct {
	key    string // says all that its content depends on, of what counts for the cache
	target string // absolute
	env    string // NAME=VALUE, instead of a mount
	lock   string // a file that is locked from before make until the process has ended; "" for none
	// make makes what is mounted; dir is its own, and goes when the process has ended.
	make func(ctx context.Context, dir string) (specs.Mount, error)
}

// mounts understands a RUN's --mount.
func (s *buildStage) mounts(ctx context.Context, command *instructions.RunCommand) (all []runMount, err error) {
	for _, m := range instructions.GetMounts(command) {
		var mount *runMount
		switch m.Type {
		case instructions.MountTypeTmpfs:
			mount = s.tmpfs(m)
		case instructions.MountTypeCache:
			mount, err = s.cacheMount(m)
		case instructions.MountTypeBind:
			mount, err = s.bindMount(ctx, m)
		case instructions.MountTypeSecret:
			mount, err = s.secretMount(m)
		default:
			err = &Error{Kind: Unsupported, Subject: "--mount", Err: fmt.Errorf("mounts of type %s are not supported", m.Type)}
		}
		if err != nil {
			return nil, err
		}
		if mount != nil {
			all = append(all, *mount)
		}
	}
	return all, nil
}

func (s *buildStage) target(m *instructions.Mount) string {
	return workdir(s.config.WorkingDir, m.Target)
}

func (s *buildStage) tmpfs(m *instructions.Mount) *runMount {
	target := s.target(m)
	options := []string{"nosuid", "nodev", "mode=1777"}
	if m.SizeLimit > 0 {
		options = append(options, "size="+strconv.FormatInt(m.SizeLimit, 10))
	}
	return &runMount{key: "tmpfs " + target, target: target, make: func(context.Context, string) (specs.Mount, error) {
		return specs.Mount{Type: "tmpfs", Source: "tmpfs", Destination: target, Options: options}, nil
	}}
}

// cacheMount is a directory that all builds of a store share: ROOT/build-mounts has them by name, which is why they are no
// part of a key.
func (s *buildStage) cacheMount(m *instructions.Mount) (*runMount, error) {
	if m.From != "" {
		return nil, &Error{Kind: Unsupported, Subject: "--mount", Err: errors.New("a cache that begins with files (from=) is not supported")}
	}
	target, id := s.target(m), m.CacheID
	if id == "" {
		id = target
	}
	dir := filepath.Join(s.buildMounts(), digest.FromString(id).Encoded())
	mount := &runMount{key: "cache " + target, target: target, make: func(context.Context, string) (specs.Mount, error) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return specs.Mount{}, err
		}
		return runner.Bind(dir, target, m.ReadOnly), own(dir, m, 0o755)
	}}
	if m.CacheSharing == instructions.MountSharingLocked || m.CacheSharing == instructions.MountSharingPrivate {
		mount.lock = dir + ".lock"
	}
	return mount, nil
}

// lockMounts takes the locks of the mounts, each once and all processes in the same order, until unlock is called.
func (p *process) lockMounts(ctx context.Context) (unlock func(), err error) {
	var paths []string
	for _, m := range p.mounts {
		if m.lock != "" {
			paths = append(paths, m.lock)
		}
	}
	slices.Sort(paths)
	var locks []*os.File
	unlock = func() {
		for _, f := range locks {
			f.Close()
		}
	}
	for _, path := range slices.Compact(paths) {
		f, err := waitForLock(ctx, path)
		if err != nil {
			unlock()
			return nil, err
		}
		locks = append(locks, f)
	}
	return unlock, nil
}

// waitForLock makes a file, and locks it as soon as nobody else has it locked.
func waitForLock(ctx context.Context, path string) (*os.File, error) {
	const longest = 50 * time.Millisecond
	for delay := time.Millisecond; ; delay = min(2*delay, longest) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		f, err := lockFile(path, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(delay):
		}
	}
}

// own gives a file the owner and mode that a mount asks for.
func own(path string, m *instructions.Mount, mode uint32) error {
	if m.Mode != nil {
		mode = uint32(*m.Mode)
	}
	uid, gid := 0, 0
	if m.UID != nil {
		uid = int(*m.UID)
	}
	if m.GID != nil {
		gid = int(*m.GID)
	}
	return errors.Join(os.Chown(path, uid, gid), unix.Chmod(path, mode))
}

// bindMount is a copy of files of the context, a stage or an image: what is written to it goes with it.
func (s *buildStage) bindMount(ctx context.Context, m *instructions.Mount) (*runMount, error) {
	tree, id, err := s.sourceOf(ctx, m.From)
	if err != nil {
		return nil, err
	}
	const name = "files"
	c := copying.Copy{
		Name: "RUN", Dest: "/" + name, Items: []copying.Item{{Tree: tree, Path: path.Clean("/" + m.Source), ID: id, Exact: true}},
	}
	found, err := copying.Find(ctx, c)
	if err != nil {
		return nil, err
	}
	what, err := found.Digest(ctx)
	if err != nil {
		return nil, err
	}
	target := s.target(m)
	return &runMount{key: "bind " + target + what.String(), target: target, make: func(ctx context.Context, dir string) (specs.Mount, error) {
		return runner.Bind(filepath.Join(dir, name), target, m.ReadOnly), s.spread(ctx, found, dir)
	}}, nil
}

// spread writes what was found into a directory.
func (s *buildStage) spread(ctx context.Context, found *copying.Found, dir string) error {
	files, err := container.OpenFiles(dir)
	if err != nil {
		return err
	}
	defer files.Close()
	below, err := s.filesOf(nil)
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		w.CloseWithError(found.WriteLayer(ctx, below, s.times(), w))
	}()
	err = files.Unpack(ctx, "/", true, r)
	r.CloseWithError(context.Canceled)
	<-written
	return err
}

// secretMount is a file that only the process sees. It goes with it.
func (s *buildStage) secretMount(m *instructions.Mount) (*runMount, error) {
	id := m.CacheID
	if id == "" {
		id = path.Base(m.Target)
	}
	value, ok := s.req.Secrets[id]
	if !ok {
		if m.Required {
			return nil, &Error{Kind: NotFound, Subject: id, Err: fmt.Errorf("secret %s: not found", id), Hint: "--secret id=" + id + ",src=FILE"}
		}
		return nil, nil
	}
	target := s.target(m)
	if m.Target == "" {
		target = "/run/secrets/" + id
	}
	if m.Env != nil {
		name := *m.Env
		if name == "" {
			name = id
		}
		if m.Target == "" {
			return &runMount{key: "secret " + id + "\n" + name, env: name + "=" + string(value)}, nil
		}
	}
	return &runMount{key: "secret " + id + "\n" + target, target: target, make: func(_ context.Context, dir string) (specs.Mount, error) {
		file := filepath.Join(dir, "secret")
		if err := os.WriteFile(file, value, 0o400); err != nil {
			return specs.Mount{}, err
		}
		return runner.Bind(file, target, true), own(file, m, 0o400)
	}}, nil
}
