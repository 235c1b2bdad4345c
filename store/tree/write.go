package tree

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/imagefs/imagefs/store/layer"
)

// write writes the table of the merged tree to a new file.
func (m *merger) write(path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(path)
		}
	}()
	if err := m.writeTable(f); err != nil {
		return err
	}
	return f.Sync()
}

func (m *merger) writeTable(w io.Writer) error {
	order := m.sorted()
	buf := bufio.NewWriterSize(w, 256<<10)
	b := blockWriter{w: buf}
	h := header{layers: len(m.layers), nodes: len(order), nameBlocks: m.nameBlocks(order)}
	b.put(h.append(nil))
	b.end()
	if err := m.writeRecords(&b, order); err != nil {
		return err
	}
	for _, i := range order {
		b.put(m.name(i))
	}
	b.end()
	if b.err != nil {
		return b.err
	}
	return buf.Flush()
}

func (m *merger) nameBlocks(order []uint32) int {
	end := 0
	for _, i := range order {
		n := int(m.list[i].nameLen)
		end = placeName(end, n) + n
	}
	return (end + blockSize - 1) / blockSize
}

func (m *merger) writeRecords(b *blockWriter, order []uint32) error {
	links := m.countLinks(order)
	own := map[inode]uint32{} // the first node of each Own group
	end := 0
	var buf [recordSize]byte
	for at, i := range order {
		if at%releaseEvery == 0 {
			m.release()
		}
		n := &m.list[i]
		name := placeName(end, int(n.nameLen))
		end = name + int(n.nameLen)
		r := record{
			name: uint32(name), nameLen: n.nameLen,
			parent: n.parent, entry: n.entry, layer: n.layer, typ: n.typ,
		}
		if n.typ == layer.Directory {
			r.first, r.count = n.first, n.next
			r.nlink = 2 + m.directories(order[n.first:n.first+n.next])
			b.put(r.append(buf[:0]))
			continue
		}
		attr, err := m.layers[n.layer].Attr(int(n.entry))
		if err != nil {
			return err
		}
		if count := links[n.layer][n.entry]; count != attr.Nlink {
			first, ok := own[m.inode(i)]
			if !ok {
				first = uint32(at)
				own[m.inode(i)] = first
			}
			r.own, r.first, r.nlink = true, first, count
		}
		b.put(r.append(buf[:0]))
	}
	b.end()
	return b.err
}

func (m *merger) release() {
	for _, l := range m.layers {
		l.Release()
	}
}

// countLinks counts the names of each file: by its layer, then by its entry.
func (m *merger) countLinks(order []uint32) [][]uint32 {
	links := make([][]uint32, len(m.layers))
	for _, i := range order {
		n := &m.list[i]
		if n.typ == layer.Directory {
			continue
		}
		if links[n.layer] == nil {
			links[n.layer] = make([]uint32, m.layers[n.layer].Len())
		}
		links[n.layer][n.entry]++
	}
	return links
}

func (m *merger) directories(children []uint32) uint32 {
	var n uint32
	for _, i := range children {
		if m.isDirectory(i) {
			n++
		}
	}
	return n
}

// blockWriter writes blocks. What is put never lies across two of them.
type blockWriter struct {
	w     io.Writer
	block int // position of the block that is being filled
	used  int
	data  [blockSize]byte
	err   error // the first error; nothing is written after it
}

func (b *blockWriter) put(p []byte) {
	if b.used+len(p) > blockData {
		b.end()
	}
	b.used += copy(b.data[b.used:], p)
}

// end ends the block, if there is anything in it.
func (b *blockWriter) end() {
	if b.used == 0 || b.err != nil {
		return
	}
	clear(b.data[b.used:])
	binary.LittleEndian.PutUint32(b.data[blockData:], checksum(b.block, b.data[:blockData]))
	_, b.err = b.w.Write(b.data[:])
	b.block, b.used = b.block+1, 0
}
