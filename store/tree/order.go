package tree

import (
	"bytes"
	"slices"
)

// sorted puts the tree into the order of the table: breadth first, and the children of a directory by the bytes of their
// names. It returns the nodes in that order, and turns their links into positions in it: parent, and a directory's first
// child and, in next, its number of children. The tree cannot be changed afterwards.
func (n *nodes) sorted() []uint32 {
	order := make([]uint32, 1, len(n.list))
	for at := 0; at < len(order); at++ {
		dir := order[at]
		if !n.isDirectory(dir) {
			continue
		}
		first := len(order)
		for i := n.list[dir].first; i != none; i = n.list[i].next {
			if n.list[i].typ != gone {
				order = append(order, i)
			}
		}
		children := order[first:]
		slices.SortFunc(children, func(a, b uint32) int { return bytes.Compare(n.name(a), n.name(b)) })
		for _, i := range children {
			n.list[i].parent = uint32(at)
		}
		n.list[dir].first, n.list[dir].next = uint32(first), uint32(len(children))
	}
	return order
}
