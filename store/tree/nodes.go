package tree

import (
	"hash/maphash"

	"github.com/imagefs/imagefs/store/layer"
)

// inode is what a name of the tree stands for. implicit is the layer of a directory that no layer has an entry for.
type inode struct {
	entry uint32
	layer uint16
	typ   layer.Type
}

const implicit = 1<<16 - 1

var implicitDirectory = inode{layer: implicit, typ: layer.Directory}

// gone is the type of a node that was removed. What is below such a node is out of reach, and so removed too.
const gone layer.Type = 0

const none = 1<<32 - 1

// chunkSize is a power of two, so that 32 bits count chunks and bytes.
const chunkSize = 1 << 16

// node is one name while layers are merged: 24 bytes. first and next chain the children of a directory, the latest
// first; those that are gone stay in the chain.
type node struct {
	parent      uint32
	name        uint32 // chunk of names, and offset in it
	first, next uint32
	entry       uint32
	layer       uint16
	typ         layer.Type
	nameLen     uint8
}

// nodes is a tree under construction: the nodes, their names, and a table of slots, open-addressed, that finds a node by
// its parent and name. A slot holds a node's position plus one. Node 0 is the root.
type nodes struct {
	list  []node
	names [][]byte // in chunks, so that they are never copied to grow
	slots []uint32
	seed  maphash.Seed
}

func newNodes(capacity int) *nodes {
	n := &nodes{list: make([]node, 1, capacity+1), seed: maphash.MakeSeed()}
	size := 16
	for size < capacity/3*4 {
		size *= 2
	}
	n.slots = make([]uint32, size)
	n.list[0] = node{name: n.addName(""), first: none, next: none}
	n.set(0, implicitDirectory)
	return n
}

func (n *nodes) set(i uint32, to inode) {
	n.list[i].entry, n.list[i].layer, n.list[i].typ = to.entry, to.layer, to.typ
}

func (n *nodes) inode(i uint32) inode {
	return inode{entry: n.list[i].entry, layer: n.list[i].layer, typ: n.list[i].typ}
}

func (n *nodes) isDirectory(i uint32) bool { return n.list[i].typ == layer.Directory }

func (n *nodes) name(i uint32) []byte {
	at := n.list[i].name
	return n.names[at/chunkSize][at%chunkSize:][:n.list[i].nameLen]
}

// addName returns where it put name.
func (n *nodes) addName(name string) uint32 {
	last := len(n.names) - 1
	if last < 0 || len(n.names[last])+len(name) > chunkSize {
		n.names = append(n.names, make([]byte, 0, chunkSize))
		last++
	}
	at := len(n.names[last])
	n.names[last] = append(n.names[last], name...)
	return uint32(last*chunkSize + at)
}

func (n *nodes) remove(i uint32) { n.list[i].typ = gone }

func (n *nodes) removeChildren(dir uint32) {
	for i := n.list[dir].first; i != none; i = n.list[i].next {
		n.remove(i)
	}
	n.list[dir].first = none
}

// lookup finds the child of parent with that name.
func (n *nodes) lookup(parent uint32, name string) (uint32, bool) {
	slot := n.slots[n.slot(parent, name)]
	if slot == 0 || n.list[slot-1].typ == gone {
		return 0, false
	}
	return slot - 1, true
}

// put gives parent a child of that name, which stands for what to says, in place of one that is there already. A
// directory put over a directory keeps its children.
func (n *nodes) put(parent uint32, name string, to inode) uint32 {
	slot := n.slot(parent, name)
	if at := n.slots[slot]; at != 0 && n.list[at-1].typ != gone {
		if !n.isDirectory(at-1) || to.typ == layer.Directory {
			n.set(at-1, to)
			return at - 1
		}
		n.remove(at - 1)
	}
	i := n.add(parent, name, to)
	fresh := n.slots[slot] == 0
	n.slots[slot] = i + 1
	if fresh && len(n.list) > len(n.slots)/4*3 {
		n.grow()
	}
	return i
}

func (n *nodes) add(parent uint32, name string, to inode) uint32 {
	i := uint32(len(n.list))
	n.list = append(n.list, node{
		parent: parent, name: n.addName(name), nameLen: uint8(len(name)),
		first: none, next: n.list[parent].first,
	})
	n.list[parent].first = i
	n.set(i, to)
	return i
}

// slot finds where in slots that child is, or has its place.
func (n *nodes) slot(parent uint32, name string) int {
	mask := len(n.slots) - 1
	for s := n.hash(parent, maphash.String(n.seed, name)); ; s++ {
		at := n.slots[s&mask]
		if at == 0 || n.list[at-1].parent == parent && string(n.name(at-1)) == name {
			return s & mask
		}
	}
}

func (n *nodes) hash(parent uint32, name uint64) int {
	h := (name ^ uint64(parent)) * 0x9e3779b97f4a7c15
	return int(h >> 33)
}

func (n *nodes) grow() {
	old := n.slots
	n.slots = make([]uint32, 2*len(old))
	mask := len(n.slots) - 1
	for _, at := range old {
		if at == 0 {
			continue
		}
		s := n.hash(n.list[at-1].parent, maphash.Bytes(n.seed, n.name(at-1)))
		for n.slots[s&mask] != 0 {
			s++
		}
		n.slots[s&mask] = at
	}
}
