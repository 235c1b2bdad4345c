package names

import (
	"path"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Rename gives a name of one image to another, or to the same: what mv of a tag means, in one repository and across.
// An image of dangling gets a name.
func (f *FS) Rename(cancel <-chan struct{}, in *fuse.RenameIn, oldName, newName string) fuse.Status {
	return f.changes(opRename, cancel, &in.InHeader, oldName, func(c *change, dir string) error {
		to, err := f.ids.path(in.Newdir)
		if err != nil {
			return err
		}
		old, at := join(dir, oldName), join(to, newName)
		c.words = old + " " + at
		switch {
		case f.files.Owns(old), f.files.Owns(at):
			return syscall.EPERM
		case in.Flags&^unix.RENAME_NOREPLACE != 0:
			return syscall.EINVAL
		}
		return c.rename(old, at, in.Flags&unix.RENAME_NOREPLACE == 0)
	})
}

func (c *change) rename(old, at string, replace bool) error {
	from, old, err := c.before.meant(old)
	if err != nil {
		if c.again {
			return nil
		}
		return err
	}
	if to := c.before.listed(at); to != nil {
		switch {
		case to.IsDir():
			return syscall.EISDIR
		case !replace:
			return syscall.EEXIST
		case to.kind != tagLink && to.kind != temporaryLink:
			return syscall.EPERM
		}
	}
	return c.move(from, old, at)
}

func (c *change) move(from *node, old, at string) error {
	if isTemporary(path.Base(at)) {
		if from.kind != temporaryLink {
			return syscall.EINVAL
		}
		return c.begin(func(m *Made) { m.Links[at] = m.Links[old]; delete(m.Links, old) })
	}
	if from.kind != tagLink && from.kind != temporaryLink && from.kind != danglingLink {
		return syscall.EPERM
	}
	full, err := c.before.naming(path.Dir(at), path.Base(at))
	if err != nil {
		return err
	}
	var made func(*Made)
	if from.kind == tagLink { // its directory stays, though it may be empty then
		repo := c.before.listed(path.Dir(old)).repo
		made = func(m *Made) { m.Dirs[repo] = true }
	}
	if err := c.begin(made); err != nil {
		return err
	}
	if from.kind == tagLink {
		return c.fs.engine.Move(c.ctx, from.source, full)
	}
	if err := c.tag(from, full); err != nil || from.kind == danglingLink {
		return err
	}
	return c.fs.made.end(func(m *Made) { delete(m.Links, old) })
}

// tag gives the image of a symlink a name. If that is done again, the name may have been given.
func (c *change) tag(from *node, full string) error {
	if c.again && c.before.isTagged(full, from.source) {
		return nil
	}
	return c.fs.engine.Tag(c.ctx, from.source, full)
}

// Mkdir makes a repository's directory, which is there until rmdir or the end of the mount.
func (f *FS) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return f.changes(opMkdir, cancel, &in.InHeader, name, func(c *change, dir string) error {
		at := join(dir, name)
		if f.files.Owns(at) {
			return syscall.EPERM
		}
		if err := c.mkdir(dir, name); err != nil {
			return err
		}
		i, err := f.lstat(at)
		if err != nil {
			return err
		}
		return f.entry(at, i, out)
	})
}

func (c *change) mkdir(dir, name string) error {
	d := c.before.listed(dir)
	switch {
	case d == nil:
		return syscall.ENOENT
	case d.child[name] != nil && c.again:
		return nil
	case d.child[name] != nil:
		return syscall.EEXIST
	case dir != "." && d.repo == "":
		return syscall.EPERM
	case !canBe(path.Join(d.repo, name)):
		return syscall.EINVAL
	}
	return c.begin(func(m *Made) { m.Dirs[path.Join(d.repo, name)] = true })
}

// Rmdir removes an empty directory, or a working container. If a name by digest is left in a directory, it is hidden.
func (f *FS) Rmdir(cancel <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return f.changes(opRmdir, cancel, h, name, func(c *change, dir string) error {
		at := join(dir, name)
		if f.files.Owns(at) {
			return c.removeContainer(at)
		}
		n := c.before.listed(at)
		switch {
		case n == nil && c.again:
			return nil
		case n == nil:
			return syscall.ENOENT
		case !n.IsDir():
			return syscall.ENOTDIR
		case n.repo == "":
			return syscall.EPERM
		case len(n.child) > 0:
			return syscall.ENOTEMPTY
		}
		return c.begin(func(m *Made) { m.removeDir(at, n.repo, c.before.isNamed(n.repo)) })
	})
}

func (c *change) removeContainer(at string) error {
	if err := c.begin(nil); err != nil {
		return err
	}
	err := c.fs.files.RemoveDir(c.ctx, at)
	if c.again && status(err) == fuse.ENOENT {
		return nil
	}
	return err
}
