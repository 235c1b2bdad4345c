package content

import (
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/store/layer"
)

// ours is the prefix of the attributes that answer and are never listed, so that nobody copies them.
const ours = "user.imagefs."

// attributed is a node that comes from an image's layer.
type attributed interface {
	node
	xattrs() ([]layer.Xattr, error)
	origin() (origin, error)
}

// hashed is a node that may be a regular file.
type hashed interface {
	// sha256 is the hash of its content, in hex digits; "" if it is no regular file.
	sha256() (string, error)
}

// GetXAttr implements [fuse.RawFileSystem].
func (f *FS) GetXAttr(_ <-chan struct{}, h *fuse.InHeader, name string, dest []byte) (uint32, fuse.Status) {
	n, err := f.node(h.NodeId)
	if err != nil {
		return 0, f.log.status(nil, err)
	}
	a, ok := n.(attributed)
	if !ok {
		return 0, fuse.ENODATA
	}
	value, ok, err := xattr(a, name)
	if err != nil {
		return 0, f.log.status(n, err)
	}
	if !ok {
		return 0, fuse.ENODATA
	}
	return reply(dest, value)
}

// ListXAttr implements [fuse.RawFileSystem].
func (f *FS) ListXAttr(_ <-chan struct{}, h *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	n, err := f.node(h.NodeId)
	if err != nil {
		return 0, f.log.status(nil, err)
	}
	a, ok := n.(attributed)
	if !ok {
		return 0, fuse.OK
	}
	all, err := a.xattrs()
	if err != nil {
		return 0, f.log.status(n, err)
	}
	var names []byte
	for _, x := range all {
		if !strings.HasPrefix(x.Name, ours) {
			names = append(append(names, x.Name...), 0)
		}
	}
	return reply(dest, names)
}

// reply copies data, or says how long it is where dest is too short, which an empty dest asks for.
func reply(dest, data []byte) (uint32, fuse.Status) {
	if len(data) > len(dest) {
		return uint32(len(data)), fuse.Status(syscall.ERANGE)
	}
	return uint32(copy(dest, data)), fuse.OK
}

// xattr returns the value of an attribute; ok is false if there is none of that name.
func xattr(a attributed, name string) (value []byte, ok bool, err error) {
	if our, ok := strings.CutPrefix(name, ours); ok {
		text, err := ourXattr(a, our)
		return []byte(text), text != "", err
	}
	all, err := a.xattrs()
	if err != nil {
		return nil, false, err
	}
	for _, x := range all {
		if x.Name == name {
			return x.Value, true, nil
		}
	}
	return nil, false, nil
}

// ourXattr returns "" for an attribute that does not exist.
func ourXattr(a attributed, name string) (string, error) {
	switch name {
	case "sha256":
		if h, ok := a.(hashed); ok {
			return h.sha256()
		}
	case "layer", "created_by":
		from, err := a.origin()
		if err != nil || from.layer < 0 {
			return "", err
		}
		if name == "layer" {
			return from.im.position(from.layer) + " " + from.im.Chains[from.layer].DiffID.String(), nil
		}
		return from.createdBy()
	}
	return "", nil
}

// origin is the layer that a node comes from.
type origin struct {
	im    *image
	layer int // -1 for a directory that no layer has an entry for
}

// createdBy returns the instruction that made the layer, as the config's history has it.
func (o origin) createdBy() (string, error) {
	line, err := layerDir{o.im, o.layer}.createdByText().current(nil)
	return strings.TrimSuffix(string(line), "\n"), err
}
