package layer

import (
	"math"
	"strings"
)

// entryTable gives entries their records, and keeps their names, links and extended attributes.
type entryTable struct {
	count   int64
	strings section
	xattrs  section
	// dirs[k] is the directory of k components that came last. An archive goes through a tree in order, so this finds
	// nearly every directory again at no cost in memory.
	dirs    []knownDir
	scratch []byte
}

type knownDir struct {
	name string
	at   uint32 // in strings
}

func (t *entryTable) init(dir string) {
	t.strings.dir, t.xattrs.dir = dir, dir
	t.strings.string("")
	t.xattrs.uint32(0)
}

// add returns the record of the next entry, as far as it does not depend on a payload.
func (t *entryTable) add(e *Entry, xattrs []Xattr) (record, error) {
	if t.count == math.MaxUint32-1 || t.strings.size > math.MaxUint32-2*maxPath || t.xattrs.size > math.MaxUint32 {
		return record{}, refuse("the layer has too many entries, names or extended attributes")
	}
	t.count++
	dir, base := splitName(e.Name)
	r := record{
		dir:   t.dir(dir),
		base:  uint32(t.strings.string(base)),
		mode:  uint16(e.Attr.Mode),
		kind:  e.Type,
		uid:   e.Attr.UID,
		gid:   e.Attr.GID,
		nsec:  e.Attr.Nsec,
		sec:   e.Attr.Sec,
		size:  e.Attr.Size,
		place: e.Attr.Rdev,
		nlink: e.Attr.Nlink,
	}
	if r.isLink() {
		r.place = uint64(t.strings.string(e.Link))
	}
	if len(xattrs) > 0 {
		r.xattrs = uint32(t.xattrs.size)
		t.scratch = appendXattrs(t.scratch[:0], xattrs)
		t.xattrs.Write(t.scratch)
	}
	return r, nil
}

// dir returns the offset of a directory's name.
func (t *entryTable) dir(name string) uint32 {
	if name == "" {
		return 0
	}
	depth := strings.Count(name, "/")
	for len(t.dirs) <= depth {
		t.dirs = append(t.dirs, knownDir{})
	}
	if d := &t.dirs[depth]; d.name != name {
		*d = knownDir{strings.Clone(name), uint32(t.strings.string(name))}
	}
	return t.dirs[depth].at
}

func (t *entryTable) close() {
	t.strings.close()
	t.xattrs.close()
}
