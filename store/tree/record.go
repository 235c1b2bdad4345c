package tree

import (
	"encoding/binary"

	"github.com/imagefs/imagefs/store/layer"
)

// record is one node as the table has it. Its bytes, little-endian, are
//
//	 0  name    where the name begins, in bytes after the start of the names
//	 4  parent  position of its directory
//	 8  entry   position in the layer
//	12  layer   position of the layer; 0xffff for a directory that no layer has an entry for
//	14  type    layer.Type, and 0x80 if the node is of an Own group
//	15  length  of the name in bytes
//	16  first   position of a directory's first child; of an Own group's first node
//	20  count   number of a directory's children
//	24  nlink   of a directory or an Own group
type record struct {
	name, parent, entry uint32
	layer               uint16
	typ                 layer.Type
	own                 bool
	nameLen             uint8
	first, count, nlink uint32
}

const (
	recordSize = 28
	ownFlag    = 0x80
)

func (r record) append(b []byte) []byte {
	typ := byte(r.typ)
	if r.own {
		typ |= ownFlag
	}
	b = binary.LittleEndian.AppendUint32(b, r.name)
	b = binary.LittleEndian.AppendUint32(b, r.parent)
	b = binary.LittleEndian.AppendUint32(b, r.entry)
	b = binary.LittleEndian.AppendUint16(b, r.layer)
	b = append(b, typ, r.nameLen)
	b = binary.LittleEndian.AppendUint32(b, r.first)
	b = binary.LittleEndian.AppendUint32(b, r.count)
	return binary.LittleEndian.AppendUint32(b, r.nlink)
}

func decodeRecord(b []byte) record {
	b = b[:recordSize]
	return record{
		name:    binary.LittleEndian.Uint32(b),
		parent:  binary.LittleEndian.Uint32(b[4:]),
		entry:   binary.LittleEndian.Uint32(b[8:]),
		layer:   binary.LittleEndian.Uint16(b[12:]),
		typ:     layer.Type(b[14] &^ ownFlag),
		own:     b[14]&ownFlag != 0,
		nameLen: b[15],
		first:   binary.LittleEndian.Uint32(b[16:]),
		count:   binary.LittleEndian.Uint32(b[20:]),
		nlink:   binary.LittleEndian.Uint32(b[24:]),
	}
}

func (r record) node(name string) Node {
	n := Node{Name: name, Type: r.typ, Origin: Origin{Layer: int(r.layer), Entry: int(r.entry)}}
	switch {
	case r.typ == layer.Directory:
		n.First, n.Count = int(r.first), int(r.count)
	case r.own:
		n.Origin.Own, n.Origin.Node = true, int(r.first)
	}
	if r.layer == implicit {
		n.Origin.Layer = -1
	}
	return n
}
