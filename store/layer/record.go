package layer

import "encoding/binary"

// record is one entry in the index, 64 bytes:
//
//	 0  u32 directory, u32 base name: offsets of strings; the name is directory/base, or base alone
//	 8  u16 st_mode, u8 Type, u8 flags
//	12  u32 uid, u32 gid, u32 nanoseconds of mtime
//	24  i64 seconds of mtime
//	32  i64 size
//	40  u64 place, see below
//	48  u32 offset of its xattrs, 0 for none
//	52  u32 nlink
//	56  u32 number of its payload k, counted over all payloads that have a byte
//	60  u32 the payload's CRC-32C if it is one block, otherwise the number of its first one in the section of sums
//
// place is, of a regular file, the offset of its payload in pack, or in the blob of a layer InBlob; of a sparse one, the
// offset of its sparse in the section of extents; of a link, the offset of the target's string (u32) and, for a hard
// link, what Layer.Target returns (u32); of a device, its number.
type record struct {
	dir, base uint32
	mode      uint16
	kind      Type
	flags     uint8
	uid, gid  uint32
	nsec      uint32
	sec       int64
	size      int64
	place     uint64
	xattrs    uint32
	nlink     uint32
	payload   uint32
	sum       uint32
}

const recordSize = 64

const (
	flagLarge   = 1 << iota // its payload is in the LargeFiles
	flagSparse              // its content is its payload with holes
	flagInLayer             // a hard link whose target is in this layer
)

func (r *record) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, r.dir)
	b = le.AppendUint32(b, r.base)
	b = le.AppendUint16(b, r.mode)
	b = append(b, byte(r.kind), r.flags)
	b = le.AppendUint32(b, r.uid)
	b = le.AppendUint32(b, r.gid)
	b = le.AppendUint32(b, r.nsec)
	b = le.AppendUint64(b, uint64(r.sec))
	b = le.AppendUint64(b, uint64(r.size))
	b = le.AppendUint64(b, r.place)
	b = le.AppendUint32(b, r.xattrs)
	b = le.AppendUint32(b, r.nlink)
	b = le.AppendUint32(b, r.payload)
	return le.AppendUint32(b, r.sum)
}

func decodeRecord(b []byte) record {
	le := binary.LittleEndian
	_ = b[recordSize-1]
	return record{
		dir:     le.Uint32(b),
		base:    le.Uint32(b[4:]),
		mode:    le.Uint16(b[8:]),
		kind:    Type(b[10]),
		flags:   b[11],
		uid:     le.Uint32(b[12:]),
		gid:     le.Uint32(b[16:]),
		nsec:    le.Uint32(b[20:]),
		sec:     int64(le.Uint64(b[24:])),
		size:    int64(le.Uint64(b[32:])),
		place:   le.Uint64(b[40:]),
		xattrs:  le.Uint32(b[48:]),
		nlink:   le.Uint32(b[52:]),
		payload: le.Uint32(b[56:]),
		sum:     le.Uint32(b[60:]),
	}
}

func (r *record) attr() Attr {
	a := Attr{
		Mode:  uint32(r.mode),
		UID:   r.uid,
		GID:   r.gid,
		Nlink: r.nlink,
		Size:  r.size,
		Sec:   r.sec,
		Nsec:  r.nsec,
	}
	if r.kind == Char || r.kind == Block {
		a.Rdev = r.place
	}
	return a
}

func (r *record) isLink() bool { return r.kind == Symlink || r.kind == HardLink }

// link is the offset of a link's target in the strings.
func (r *record) link() int64 { return int64(uint32(r.place)) }

// target is what Target returns for a hard link.
func (r *record) target() int { return int(r.place >> 32) }

func (r *record) setTarget(entry int, inLayer bool) {
	r.place = uint64(uint32(r.place)) | uint64(entry)<<32
	if inLayer {
		r.flags |= flagInLayer
	}
}
