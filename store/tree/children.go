package tree

import (
	"iter"
	"slices"

	"github.com/imagefs/imagefs/store/layer"
)

// Children returns the nodes of directory dir, sorted by name, from its skip-th on. It stops at the first error.
func (t *Tree) Children(dir, skip int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		r, err := t.table.record(dir)
		if err != nil {
			yield(0, err)
			return
		}
		if r.typ != layer.Directory {
			return
		}
		for i := int(r.first) + max(skip, 0); i < int(r.first)+int(r.count); i++ {
			if !yield(i, nil) {
				return
			}
		}
	}
}

// Nodes returns what [Tree.Node] tells of each of [Tree.Children], at a fraction of its cost. It stops at the first
// error.
func (t *Tree) Nodes(dir, skip int) iter.Seq2[Node, error] {
	return func(yield func(Node, error) bool) {
		r, err := t.table.record(dir)
		if err != nil {
			yield(Node{}, err)
			return
		}
		if r.typ != layer.Directory {
			return
		}
		var nodes []Node
		for i, end := int(r.first)+max(skip, 0), int(r.first)+int(r.count); i < end; i += len(nodes) {
			if nodes, err = t.table.run(nodes, i, end); err != nil {
				yield(Node{}, err)
				return
			}
			for _, n := range nodes {
				if !yield(n, nil) {
					return
				}
			}
		}
	}
}

// run returns the nodes from i up to end that are in the same block as i, in buf. Their names share one string.
func (t *table) run(buf []Node, i, end int) (nodes []Node, err error) {
	defer t.caught(t.catch(), &err)
	end = min(end, (i/perBlock+1)*perBlock)
	nodes = slices.Grow(buf[:0], end-i)
	c := cursor{table: t}
	var scratch [blockSize]byte
	names := scratch[:0]
	var lengths [perBlock]uint8
	for at := i; at < end; at++ {
		r, err := c.record(at)
		if err != nil {
			return nil, err
		}
		name, err := c.name(r)
		if err != nil {
			return nil, err
		}
		lengths[at-i] = r.nameLen
		names = append(names, name...)
		nodes = append(nodes, r.node(""))
	}
	rest := string(names)
	for k := range nodes {
		nodes[k].Name, rest = rest[:lengths[k]], rest[lengths[k]:]
	}
	return nodes, nil
}
