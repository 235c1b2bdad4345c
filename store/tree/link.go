package tree

import (
	"errors"

	"github.com/imagefs/imagefs/store/layer"
)

// outLink is a hard link whose target is not an entry of its own layer.
type outLink struct {
	entry  int
	target string // the path that it leads to outside, by way of other hard links of its layer perhaps
}

func linksOut(l Layer) ([]outLink, error) {
	var out []outLink
	for i := range l.Len() {
		typ, err := l.Type(i)
		if err != nil {
			return nil, err
		}
		if typ != layer.HardLink {
			continue
		}
		last, ok, err := l.Target(i)
		if err != nil {
			return nil, err
		}
		if ok {
			continue
		}
		target, err := l.Link(last)
		if err != nil {
			return nil, err
		}
		out = append(out, outLink{entry: i, target: target})
	}
	return out, nil
}

// resolveLinks tells where hard links lead in the tree as it is now: what is below their layer. One that leads nowhere is
// left out, because it may yet lead to something in its layer through a symlink.
func (m *merger) resolveLinks(links []outLink) (map[int]inode, error) {
	below := make(map[int]inode, len(links))
	for _, link := range links {
		node, ok, err := m.find(link.target)
		var detail invalid
		if err != nil && !errors.As(err, &detail) {
			return nil, err
		}
		if ok {
			below[link.entry] = m.inode(node)
		}
	}
	return below, nil
}

// linked returns the inode that hard link i of layer k is a name of: the entry that its layer had under that name; else
// what has that name now; else what had it below the layer, before the layer's whiteouts.
func (m *merger) linked(k, i int, e layer.Entry, below map[int]inode) (inode, error) {
	to, ok, err := m.linkedWithin(k, i)
	if err == nil && !ok {
		to, ok, err = m.linkedNow(e.Link)
	}
	if err != nil {
		return inode{}, err
	}
	if !ok {
		to, ok = below[i]
	}
	if !ok {
		return inode{}, invalidf("a hard link to %q, which does not exist", e.Link)
	}
	if to.typ == layer.Directory {
		return inode{}, invalidf("a hard link to %q, a directory", e.Link)
	}
	return to, nil
}

func (m *merger) linkedWithin(k, i int) (inode, bool, error) {
	target, ok, err := m.layers[k].Target(i)
	if err != nil || !ok {
		return inode{}, false, err
	}
	typ, err := m.layers[k].Type(target)
	return inode{layer: uint16(k), entry: uint32(target), typ: typ}, true, err
}

func (m *merger) linkedNow(path string) (inode, bool, error) {
	node, ok, err := m.find(path)
	if err != nil || !ok {
		return inode{}, false, err
	}
	return m.inode(node), true, nil
}
