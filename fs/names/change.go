package names

import (
	"context"
	"errors"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs"
)

// Changer changes names in the store. Names are full and normalised.
type Changer interface {
	Tag(ctx context.Context, source, target string) error
	Move(ctx context.Context, from, to string) error
	Untag(ctx context.Context, name string) error
	Remove(ctx context.Context, req imagefs.RemoveRequest, report imagefs.Reporter) error
}

// What changes the tree changes the store, and the kernel is told before it is answered.
//
// A request that a successor answers again may have been carried out. So each is written down once it is found to be
// possible, and when it comes again, that there is nothing left to do is success.

// change is one such request.
type change struct {
	fs     *FS
	ctx    context.Context
	unique uint64
	again  bool   // it may have been carried out
	before *View  // what it is judged by
	words  string // for ctl/errors: what a shell's command had
}

// changes runs a request that changes the tree at path, and tells the kernel.
func (f *FS) changes(o op, cancel <-chan struct{}, h *fuse.InHeader, name string, do func(c *change, dir string) error) (code fuse.Status) {
	dir, err := f.path(h)
	defer f.seen(o, h, join(dir, name), time.Now(), &code)
	if err != nil {
		return status(err)
	}
	if h.Uid != f.uid && h.Uid != 0 {
		return fuse.EACCES
	}
	ctx, end := interruptible(cancel)
	defer end()
	c := &change{fs: f, ctx: ctx, unique: h.Unique, again: f.made.hasBegun(h.Unique), before: f.view()}
	c.words = join(dir, name)
	err = do(c, dir)
	f.Changed()              // before the answer, so that whoever asked finds what it did
	var fault *imagefs.Error // has more to say than an errno
	if errors.As(err, &fault) {
		f.files.Failed(o.String(), c.words, callOf(h, 0), err)
	}
	return status(err)
}

// begin writes down that the request is possible.
func (c *change) begin(made func(*Made)) error { return c.fs.made.begin(c.unique, made) }

// Symlink gives an image a name. The target that the link then has is that of all its kind, whatever it was made with.
func (f *FS) Symlink(cancel <-chan struct{}, h *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	return f.changes(opSymlink, cancel, h, name, func(c *change, dir string) error {
		c.words = target + " " + join(dir, name)
		if f.files.Owns(join(dir, name)) {
			return syscall.EPERM
		}
		if err := c.symlink(dir, target, name); err != nil {
			return err
		}
		at := join(dir, name)
		i, err := f.lstat(at)
		if err != nil {
			return err
		}
		return f.entry(at, i, out)
	})
}

func (c *change) symlink(dir, target, name string) error {
	at := join(dir, name)
	if _, err := c.before.Lstat(at); err == nil {
		if c.again {
			return nil
		}
		return syscall.EEXIST
	}
	source, err := c.before.source(dir, target)
	if err != nil {
		return err
	}
	if isTemporary(name) {
		if d := c.before.listed(dir); d == nil || d.repo == "" {
			return syscall.EPERM
		}
		img, err := imagefs.Resolve(c.before.snap, source)
		if err != nil {
			return err
		}
		shown := byIDFrom(dir, img.ID.Encoded())
		return c.begin(func(m *Made) { m.Links[at] = TemporaryLink{shown, source} })
	}
	full, err := c.before.naming(dir, name)
	if err != nil {
		return err
	}
	if err := c.begin(nil); err != nil {
		return err
	}
	return c.fs.engine.Tag(c.ctx, source, full)
}

// Unlink takes a name away; of dangling it removes the image.
func (f *FS) Unlink(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return f.changes(opUnlink, cancel, h, name, func(c *change, dir string) error {
		at := join(dir, name)
		if f.files.Owns(at) {
			return c.removeFile(at)
		}
		return c.unlink(at)
	})
}

func (c *change) removeFile(at string) error {
	if err := c.begin(nil); err != nil {
		return err
	}
	err := c.fs.files.Remove(at)
	if c.again && status(err) == fuse.ENOENT {
		return nil
	}
	return err
}

func (c *change) unlink(at string) error {
	n, at, err := c.before.meant(at)
	switch {
	case err != nil && c.again:
		return nil
	case err != nil:
		return err
	case n.IsDir():
		return syscall.EISDIR
	}
	switch n.kind {
	case tagLink:
		return c.untag(at, n)
	case danglingLink:
		if err := c.begin(nil); err != nil {
			return err
		}
		return c.fs.engine.Remove(c.ctx, imagefs.RemoveRequest{Refs: []string{n.source}}, silent{})
	case platformLink:
		return c.begin(func(m *Made) { m.Hidden[at] = n.target })
	case temporaryLink:
		return c.begin(func(m *Made) { delete(m.Links, at) })
	case goneLink:
		return c.begin(func(m *Made) { delete(m.Gone, at) })
	}
	return syscall.EPERM
}

// untag leaves the directory for an rmdir, and what stood beside the tag for an unlink, that may follow.
func (c *change) untag(at string, n *node) error {
	d := c.before.listed(path.Dir(at))
	tag := strings.TrimLeft(n.name, ":")
	err := c.begin(func(m *Made) {
		m.Dirs[d.repo] = true
		for name, beside := range d.child {
			if beside.kind == platformLink && strings.HasPrefix(name, tag+"@") {
				m.Gone[join(path.Dir(at), name)] = beside.target
			}
		}
	})
	if err != nil {
		return err
	}
	return c.fs.engine.Untag(c.ctx, n.source)
}

// silent is the reporter of what has no reader.
type silent struct{}

func (silent) Line(string)                 {}
func (silent) Layer(imagefs.LayerProgress) {}
