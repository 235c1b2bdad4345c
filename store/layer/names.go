package layer

import (
	"encoding/binary"
	"hash/maphash"
	"os"

	"golang.org/x/sys/unix"
)

// draft is an index that is not sealed yet, mapped without checks.
type draft struct {
	header
	file   *os.File
	data   []byte
	starts [sectionCount]int64
}

func openDraft(f *os.File, h *header) (*draft, error) {
	starts, end := h.offsets()
	data, err := unix.Mmap(int(f.Fd()), 0, int(end), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: f.Name(), Err: err}
	}
	return &draft{header: *h, file: f, data: data, starts: starts}, nil
}

func (d *draft) close() error { return unix.Munmap(d.data) }

func (d *draft) recordAt(i int) int64 { return d.starts[sectionEntries] + int64(i)*recordSize }

func (d *draft) record(i int) record { return decodeRecord(d.data[d.recordAt(i):]) }

func (d *draft) put(i int, r *record) error {
	_, err := d.file.WriteAt(r.append(nil), d.recordAt(i))
	return err
}

func (d *draft) string(at int64) []byte {
	b := d.data[d.starts[sectionStrings]+at:]
	return b[2 : 2+binary.LittleEndian.Uint16(b)]
}

// appendName appends an entry's name.
func (d *draft) appendName(b []byte, r *record) []byte {
	if r.dir != 0 {
		b = append(append(b, d.string(int64(r.dir))...), '/')
	}
	return append(b, d.string(int64(r.base))...)
}

// named tells whether an entry's name is name.
func (d *draft) named(i int, name []byte) bool {
	r := d.record(i)
	base := d.string(int64(r.base))
	if r.dir == 0 {
		return string(name) == string(base)
	}
	dir := d.string(int64(r.dir))
	n := len(dir)
	return len(name) == n+1+len(base) && string(name[:n]) == string(dir) && name[n] == '/' &&
		string(name[n+1:]) == string(base)
}

// names finds the entries of a draft by name: a hash table of eight bytes a slot, which holds no name itself.
type names struct {
	draft *draft
	seed  maphash.Seed
	slots []namesake
}

// namesake is what was seen of a name so far: entries plus 1, 0 for none.
type namesake struct {
	last  uint32 // the last entry of that name
	other uint32 // the last that is no directory
}

func newNames(d *draft) *names {
	size := 16
	for int64(size) < d.entries+d.entries/2 {
		size *= 2
	}
	return &names{draft: d, seed: maphash.MakeSeed(), slots: make([]namesake, size)}
}

// find returns the slot of a name, an empty one if it was not seen.
func (n *names) find(name []byte) *namesake {
	mask := uint64(len(n.slots) - 1)
	for i := maphash.Bytes(n.seed, name) & mask; ; i = (i + 1) & mask {
		s := &n.slots[i]
		if s.last == 0 || n.draft.named(int(s.last-1), name) {
			return s
		}
	}
}

// see notes that entry i, which is next, has that name.
func (n *names) see(name []byte, i int, t Type) {
	s := n.find(name)
	s.last = uint32(i + 1)
	if t != Directory {
		s.other = uint32(i + 1)
	}
}

// replaced returns the last entry plus 1 seen so far that is no directory and has the name of one of name's parents: what
// was below that name before is gone.
func (n *names) replaced(name []byte) uint32 {
	var latest uint32
	for i, c := range name {
		if c == '/' {
			latest = max(latest, n.find(name[:i]).other)
		}
	}
	return latest
}
