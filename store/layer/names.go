package layer

import "hash/maphash"

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
