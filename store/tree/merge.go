package tree

import (
	"fmt"

	"github.com/imagefs/imagefs/store/layer"
)

// Limits of the table's fields, and of what a merge keeps in memory.
const (
	maxLayers = implicit
	maxNodes  = 1 << 31
	maxNames  = 1 << 31 / chunkSize // chunks
)

// releaseEvery is how many entries are read before their memory is given back: a merge must not cost the server a large
// layer's whole index beside the tree.
const releaseEvery = 1 << 16

// maxName is the length in bytes of the longest name that Linux can look up (NAME_MAX).
const maxName = 255

// merger applies layers to a tree, one after the other.
type merger struct {
	*nodes
	layers []Layer
}

func newMerger(layers []Layer) (*merger, error) {
	if len(layers) > maxLayers {
		return nil, &layer.FormatError{Detail: fmt.Sprintf("%d layers; %d is the limit", len(layers), maxLayers)}
	}
	entries := 0
	for _, l := range layers {
		entries += l.Len()
	}
	return &merger{nodes: newNodes(entries), layers: layers}, nil
}

// apply puts layer k on top of those applied before it.
func (m *merger) apply(k int) error {
	if k == 0 {
		return m.extract(k, nil)
	}
	out, err := linksOut(m.layers[k])
	if err != nil {
		return err
	}
	below, err := m.resolveLinks(out)
	if err != nil {
		return err
	}
	if err := m.whiteout(k); err != nil {
		return err
	}
	return m.extract(k, below)
}

// applyTop puts the last layer alone into an empty tree, without its whiteouts.
func (m *merger) applyTop() error {
	top := len(m.layers) - 1
	out, err := linksOut(m.layers[top])
	if err != nil {
		return err
	}
	var below map[int]inode
	if len(out) > 0 {
		lower, err := merge(m.layers[:top])
		if err != nil {
			return err
		}
		below, err = lower.resolveLinks(out)
		if err != nil {
			return err
		}
	}
	return m.extract(top, below)
}

// whiteout removes what layer k hides of the layers below it. It is called before any entry of layer k is applied.
func (m *merger) whiteout(k int) error {
	l := m.layers[k]
	defer l.Release()
	for i := range l.Len() {
		typ, err := l.Type(i)
		if err != nil {
			return err
		}
		if typ != layer.Whiteout && typ != layer.Opaque {
			continue
		}
		e, err := l.Entry(i)
		if err != nil {
			return err
		}
		if err := m.hide(e); err != nil {
			return atEntry(k, e.Name, err)
		}
	}
	return nil
}

func (m *merger) hide(e layer.Entry) error {
	if e.Type == layer.Opaque {
		p, err := m.resolve(e.Name)
		if err != nil || len(p.missing) > 0 {
			return err
		}
		m.removeChildren(p.node)
		return nil
	}
	node, ok, err := m.find(e.Name)
	if err != nil || !ok {
		return err
	}
	if node == 0 {
		return invalid("a whiteout of the root")
	}
	m.remove(node)
	return nil
}

// extract applies the entries of layer k, in the order of its archive. below says where its hard links lead that
// leave the layer.
func (m *merger) extract(k int, below map[int]inode) error {
	l := m.layers[k]
	defer l.Release()
	for i := range l.Len() {
		if i%releaseEvery == 0 {
			l.Release()
		}
		e, err := l.Entry(i)
		if err != nil {
			return err
		}
		to := inode{layer: uint16(k), entry: uint32(i), typ: e.Type}
		switch e.Type {
		case layer.Whiteout, layer.Opaque:
			continue
		case layer.HardLink:
			to, err = m.linked(k, i, e, below)
		}
		if err == nil {
			err = m.enter(k, e.Name, to)
		}
		if err != nil {
			return atEntry(k, e.Name, err)
		}
	}
	return nil
}

// enter gives an inode the path name, which an entry of layer k says it has. It replaces what is there.
func (m *merger) enter(k int, name string, to inode) error {
	if name == "." {
		if to.typ != layer.Directory {
			return invalid("the root is not a directory")
		}
		m.set(0, to)
		return nil
	}
	dir, base := split(name)
	if err := checkName(base); err != nil {
		return err
	}
	parent, err := m.directory(dir, k)
	if err != nil {
		return err
	}
	if len(m.list) >= maxNodes || len(m.names) >= maxNames {
		return invalid("the image has too many files")
	}
	m.put(parent, base, to)
	return nil
}

// directory returns the directory that path leads to, for an entry of layer k, and makes what is missing of it. What is
// there and no directory gives way if it is of a lower layer.
func (m *merger) directory(path string, k int) (uint32, error) {
	p, err := m.resolve(path)
	if err != nil {
		return 0, err
	}
	dir := p.node
	if !m.isDirectory(dir) {
		if m.list[dir].layer == uint16(k) {
			return 0, invalidf("%q is not a directory", m.name(dir))
		}
		m.set(dir, implicitDirectory)
	}
	for _, name := range p.missing {
		if err := checkName(name); err != nil {
			return 0, err
		}
		dir = m.put(dir, name, implicitDirectory)
	}
	return dir, nil
}

func checkName(name string) error {
	if len(name) > maxName {
		return invalidf("a name of %d bytes; %d is the limit", len(name), maxName)
	}
	if name == "" || name == "." || name == ".." {
		return invalidf("%q is no name for a file", name)
	}
	return nil
}
