package imagefs

import (
	"cmp"
	"slices"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/tree"
)

// DiffEntry is a path that two images have differently.
type DiffEntry struct {
	Kind byte   // 'A' added, 'C' changed, 'D' deleted, docker's letters
	Path string // absolute
}

// Diff compares the merged trees of two images, or, if from is nil, that of to with the image without its last layer. It
// is sorted by path. As docker has it, what is below a deleted directory is left out, and a directory with anything
// different in it is changed. Files of one time and size are told apart by their content.
func Diff(s *store.Store, from, to *store.Image) ([]DiffEntry, error) {
	if from == nil {
		from = &store.Image{Chains: to.Chains[:max(len(to.Chains)-1, 0)]}
	}
	d := differ{store: s}
	var err error
	if d.from, err = newSide(s, from); err != nil {
		return nil, err
	}
	if d.to, err = newSide(s, to); err != nil {
		return nil, err
	}
	if err := d.directory("", 0, 0); err != nil {
		return nil, err
	}
	slices.SortFunc(d.entries, func(a, b DiffEntry) int { return cmp.Compare(a.Path, b.Path) })
	return d.entries, nil
}

// differ compares two trees.
type differ struct {
	store    *store.Store
	from, to side
	entries  []DiffEntry
}

// absent is the node of a directory that one side does not have.
const absent = -1

// directory compares what two directories of that path contain.
func (d *differ) directory(path string, from, to int) error {
	before, err := d.from.children(from)
	if err != nil {
		return err
	}
	after, err := d.to.children(to)
	if err != nil {
		return err
	}
	for len(before) > 0 || len(after) > 0 {
		switch order := compareNames(before, after); {
		case order < 0:
			d.add('D', path+"/"+before[0].Name)
			before = before[1:]
		case order > 0:
			err = d.added(path+"/"+after[0].Name, after[0])
			after = after[1:]
		default:
			err = d.both(path+"/"+after[0].Name, before[0], after[0])
			before, after = before[1:], after[1:]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compareNames compares the first names of two lists; an empty one comes last.
func compareNames(a, b []child) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return cmp.Compare(a[0].Name, b[0].Name)
}

func (d *differ) add(kind byte, path string) { d.entries = append(d.entries, DiffEntry{kind, path}) }

func (d *differ) added(path string, to child) error {
	d.add('A', path)
	return d.directory(path, absent, to.index)
}

// both compares what both sides have. A directory that is itself the same is changed if anything in it is.
func (d *differ) both(path string, from, to child) error {
	same, err := d.same(from, to)
	if err != nil {
		return err
	}
	below := from.index
	if from.Type != layer.Directory {
		below = absent
	}
	at := len(d.entries)
	d.add('C', path)
	if to.Type == layer.Directory {
		if err := d.directory(path, below, to.index); err != nil {
			return err
		}
	}
	if same && len(d.entries) == at+1 {
		d.entries = d.entries[:at]
	}
	return nil
}

// same compares two nodes, not what is in them. What comes from one entry of one layer is not looked at.
func (d *differ) same(from, to child) (bool, error) {
	if from.Type != to.Type {
		return false, nil
	}
	if from.Origin.Layer >= 0 && to.Origin.Layer >= 0 && from.Origin.Entry == to.Origin.Entry &&
		d.from.image.Chains[from.Origin.Layer].DiffID == d.to.image.Chains[to.Origin.Layer].DiffID {
		return true, nil
	}
	a, err := d.from.facts(from)
	if err != nil {
		return false, err
	}
	b, err := d.to.facts(to)
	if err != nil || !a.equal(b, from.Type) {
		return false, err
	}
	if from.Type != layer.Regular || a.attr.Size == 0 {
		return true, nil
	}
	return d.sameContent(from, to)
}

// sameContent compares the digests of two regular files.
func (d *differ) sameContent(from, to child) (bool, error) {
	a, err := d.store.Layer(d.from.image.Chains[from.Origin.Layer].DiffID)
	if err != nil {
		return false, err
	}
	b, err := d.store.Layer(d.to.image.Chains[to.Origin.Layer].DiffID)
	if err != nil {
		return false, err
	}
	before, err := a.Digest(from.Origin.Entry)
	if err != nil {
		return false, err
	}
	after, err := b.Digest(to.Origin.Entry)
	return before == after, err
}

// side is one of the two images.
type side struct {
	image *store.Image
	tree  *tree.Tree
}

func newSide(s *store.Store, img *store.Image) (side, error) {
	t, err := s.Tree(img)
	return side{img, t}, err
}

// child is a node and its position in the tree.
type child struct {
	tree.Node
	index int
}

// children are sorted by name; those of what is absent, or no directory, are none.
func (s side) children(dir int) ([]child, error) {
	if dir == absent {
		return nil, nil
	}
	parent, err := s.tree.Node(dir)
	if err != nil {
		return nil, err
	}
	list := make([]child, 0, parent.Count)
	for n, err := range s.tree.Nodes(dir, 0) {
		if err != nil {
			return nil, err
		}
		list = append(list, child{n, parent.First + len(list)})
	}
	return list, nil
}

// facts are what tells nodes of one type apart.
type facts struct {
	attr   layer.Attr
	link   string
	xattrs []layer.Xattr
}

func (s side) facts(n child) (f facts, err error) {
	if f.attr, err = s.tree.Attr(n.index); err != nil {
		return f, err
	}
	if n.Type == layer.Symlink {
		if f.link, err = s.tree.Readlink(n.index); err != nil {
			return f, err
		}
	}
	f.xattrs, err = s.tree.Xattrs(n.index)
	return f, err
}

// equal compares as docker does (moby pkg/archive/changes_unix.go): not the times and sizes of directories, and fractions
// of seconds only where both have some.
func (f facts) equal(o facts, typ layer.Type) bool {
	a, b := f.attr, o.attr
	if a.Mode != b.Mode || a.UID != b.UID || a.GID != b.GID || a.Rdev != b.Rdev || f.link != o.link ||
		!slices.EqualFunc(f.xattrs, o.xattrs, sameXattr) {
		return false
	}
	return typ == layer.Directory ||
		a.Size == b.Size && a.Sec == b.Sec && (a.Nsec == b.Nsec || a.Nsec == 0 || b.Nsec == 0)
}

func sameXattr(a, b layer.Xattr) bool {
	return a.Name == b.Name && string(a.Value) == string(b.Value)
}
