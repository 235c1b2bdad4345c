package tree

import (
	"fmt"

	"github.com/imagefs/imagefs/store/layer"
)

// cursor reads a table during one call, and remembers for so long which blocks it has checked. The call catches faults.
type cursor struct {
	*table
	records, names       int // the blocks checked last; 0, the header's, if none
	recordData, nameData []byte
}

func (c *cursor) record(i int) (record, error) {
	if uint(i) >= uint(c.nodes) {
		return record{}, fmt.Errorf("%s has no node %d", c.path, i)
	}
	if block := 1 + i/perBlock; block != c.records {
		data, err := c.block(block)
		if err != nil {
			return record{}, err
		}
		c.records, c.recordData = block, data
	}
	r := decodeRecord(c.recordData[i%perBlock*recordSize:])
	return r, c.check(i, r)
}

// check makes sure that what a record refers to exists, and that a path upwards ends.
func (c *cursor) check(i int, r record) error {
	switch {
	case i > 0 && int(r.parent) >= i:
		return c.corrupt("a node comes before its directory")
	case int(r.layer) >= c.layers && !(r.layer == implicit && r.typ == layer.Directory):
		return c.corrupt("a node is of no layer")
	case r.typ == layer.Directory && int(r.first)+int(r.count) > c.nodes:
		return c.corrupt("a directory has more children than there are nodes")
	}
	return nil
}

// name returns a node's name as it lies in the mapping.
func (c *cursor) name(r record) ([]byte, error) {
	if r.nameLen == 0 {
		return nil, nil
	}
	block, at := int(r.name)/blockSize, int(r.name)%blockSize
	if block >= c.nameBlocks || at+int(r.nameLen) > blockData {
		return nil, c.corrupt("a name lies outside the names")
	}
	if block += 1 + c.recordBlocks(); block != c.names {
		data, err := c.block(block)
		if err != nil {
			return nil, err
		}
		c.names, c.nameData = block, data
	}
	return c.nameData[at:][:r.nameLen], nil
}
