package tree

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
)

const directorySize = 4096

// Attr returns node i's attributes. A directory's Nlink is 2 and its directories; its size is 4096. One that no layer
// has an entry for is root's, with mode 0755 and the epoch as its mtime.
func (t *Tree) Attr(i int) (layer.Attr, error) {
	r, err := t.table.record(i)
	if err != nil {
		return layer.Attr{}, err
	}
	attr := layer.Attr{Mode: unix.S_IFDIR | 0o755}
	if r.layer != implicit {
		attr, err = t.layers[r.layer].Attr(int(r.entry))
	}
	if r.own || r.typ == layer.Directory {
		attr.Nlink = r.nlink
	}
	if r.typ == layer.Directory {
		attr.Size = directorySize
	}
	return attr, err
}

// Readlink returns symlink i's target.
func (t *Tree) Readlink(i int) (string, error) {
	r, err := t.table.record(i)
	if err != nil {
		return "", err
	}
	if r.typ != layer.Symlink {
		return "", unix.EINVAL
	}
	return t.layers[r.layer].Link(int(r.entry))
}

// Xattrs returns node i's extended attributes, sorted by name, without those that would steer an overlay filesystem
// (trusted.overlay.*, user.overlay.*).
func (t *Tree) Xattrs(i int) ([]layer.Xattr, error) {
	r, err := t.table.record(i)
	if err != nil || r.layer == implicit {
		return nil, err
	}
	xattrs, err := t.layers[r.layer].Xattrs(int(r.entry))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(xattrs), func(x layer.Xattr) bool { return SteersOverlay(x.Name) }), nil
}

// SteersOverlay tells whether overlayfs would obey an xattr of that name, even in its only lower layer.
func SteersOverlay(name string) bool {
	rest, ok := strings.CutPrefix(name, "trusted.overlay")
	if !ok {
		rest, ok = strings.CutPrefix(name, "user.overlay")
	}
	return ok && (rest == "" || rest[0] == '.')
}
