package container

import (
	"bytes"
	"context"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/tree"
)

// Change is a line of `docker diff`.
type Change struct {
	Kind Kind
	Path string // absolute
}

// Kind is what happened to a path: docker's letter.
type Kind byte

const (
	Changed Kind = 'C'
	Added   Kind = 'A'
	Deleted Kind = 'D'
)

func (c Change) String() string { return string(c.Kind) + " " + c.Path }

// Changes compares the container with its image as docker does (moby pkg/archive/changes.go): by mode, owner, device,
// capabilities and, but for directories, size and time. Of a directory that is removed it tells nothing below; of one in
// which something changed, that it changed. A directory comes before what is in it; the rest is sorted by name.
func (c *Container) Changes(ctx context.Context, image *tree.Tree) ([]Change, error) {
	upper, err := c.openUpper()
	if err != nil {
		return nil, err
	}
	defer upper.Close()
	cmp := comparison{ctx: ctx, image: image}
	err = cmp.directory(upper, 0, "")
	return cmp.changes, err
}

// nowhere stands for what the image does not have.
const nowhere = -1

type comparison struct {
	ctx     context.Context
	image   *tree.Tree
	changes []Change
}

func (c *comparison) add(kind Kind, path string) {
	c.changes = append(c.changes, Change{kind, path})
}

// directory compares a directory with the image's node old, or with nowhere.
func (c *comparison) directory(d directory, old int, path string) error {
	entries, err := d.entries()
	if err != nil {
		return err
	}
	opaque, err := d.isOpaque()
	if err != nil {
		return err
	}
	if opaque {
		if entries, err = c.withHidden(entries, old); err != nil {
			return err
		}
	}
	for i := range entries {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		if err := c.entry(d, &entries[i], old, path); err != nil {
			return err
		}
	}
	return nil
}

// withHidden adds a whiteout for each of the image's names that an opaque directory hides.
func (c *comparison) withHidden(entries []entry, old int) ([]entry, error) {
	if old == nowhere {
		return entries, nil
	}
	dir, err := c.image.Node(old)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, e := range entries {
		known[e.name] = true
	}
	for i := dir.First; i < dir.First+dir.Count; i++ {
		n, err := c.image.Node(i)
		if err != nil {
			return nil, err
		}
		if !known[n.Name] {
			entries = append(entries, entry{name: n.Name, stat: unix.Stat_t{Mode: unix.S_IFCHR}})
		}
	}
	slices.SortFunc(entries, byName)
	return entries, nil
}

func (c *comparison) entry(d directory, e *entry, parent int, dir string) error {
	path := dir + "/" + e.name
	old, err := c.lookup(parent, e.name)
	if err != nil {
		return err
	}
	if e.isWhiteout() {
		if old != nowhere {
			c.add(Deleted, path)
		}
		return nil
	}
	at := len(c.changes)
	switch differs, err := c.differs(d, e, old); {
	case err != nil:
		return err
	case old == nowhere:
		c.add(Added, path)
	case differs:
		c.add(Changed, path)
	}
	told := len(c.changes) > at
	if !e.isDir() {
		return nil
	}
	below, err := d.open(e.name)
	if err != nil {
		return err
	}
	defer below.Close()
	if err := c.directory(below, old, path); err != nil {
		return err
	}
	if !told && len(c.changes) > at {
		c.changes = slices.Insert(c.changes, at, Change{Changed, path})
	}
	return nil
}

func (c *comparison) lookup(parent int, name string) (int, error) {
	if parent == nowhere {
		return nowhere, nil
	}
	old, ok, err := c.image.Lookup(parent, name)
	if !ok {
		return nowhere, err
	}
	return old, err
}

// differs is docker's statDifferent.
func (c *comparison) differs(d directory, e *entry, old int) (bool, error) {
	if old == nowhere {
		return true, nil
	}
	was, err := c.image.Attr(old)
	if err != nil {
		return false, err
	}
	is := &e.stat
	if is.Mode != was.Mode || is.Uid != was.UID || is.Gid != was.GID || is.Rdev != was.Rdev {
		return true, nil
	}
	if !e.isDir() && (is.Size != was.Size || !sameTime(is.Mtim, was)) {
		return true, nil
	}
	before, err := c.image.Xattrs(old)
	if err != nil {
		return false, err
	}
	after, err := d.xattr(e.name, capability)
	return !bytes.Equal(after, valueOf(before, capability)), err
}

// sameTime compares as far as both have nanoseconds, which not every archive keeps.
func sameTime(is unix.Timespec, was layer.Attr) bool {
	return is.Sec == was.Sec && (is.Nsec == int64(was.Nsec) || is.Nsec == 0 || was.Nsec == 0)
}

func valueOf(xattrs []layer.Xattr, name string) []byte {
	for _, x := range xattrs {
		if x.Name == name {
			return x.Value
		}
	}
	return nil
}
