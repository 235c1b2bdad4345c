package layer

import (
	"os"
	"runtime/debug"
)

// resolveLinks finds the targets of the hard links in a draft, counts the names of each file, and sets the layer's size.
func resolveLinks(f *os.File, h *header) (err error) {
	d, err := openDraft(f, h)
	if err != nil {
		return err
	}
	defer d.close()
	x := &index{path: f.Name(), data: d.data}
	defer x.guard(debug.SetPanicOnFault(true), &err)
	l := links{draft: d, names: newNames(d), groups: map[int]uint32{}}
	if err := l.resolve(); err != nil {
		return err
	}
	h.size = l.count()
	return l.write()
}

type links struct {
	draft  *draft
	names  *names
	groups map[int]uint32 // how many names the layer leaves of a file that has hard links, by its entry
	name   []byte         // scratch
	// Of count: the answer of names.replaced for the directory that was last asked for.
	dir      uint32
	replaced uint32
}

// resolve goes through the archive and finds what each hard link means when it comes.
func (l *links) resolve() error {
	for i := range int(l.draft.entries) {
		r := l.draft.record(i)
		if r.kind == Whiteout || r.kind == Opaque {
			continue
		}
		if r.kind == HardLink {
			if err := l.resolveOne(i, &r); err != nil {
				return err
			}
		}
		l.name = l.draft.appendName(l.name[:0], &r)
		l.names.see(l.name, i, r.kind)
	}
	return nil
}

func (l *links) resolveOne(i int, r *record) error {
	name := l.draft.string(r.link())
	last := l.names.find(name).last
	if last == 0 || l.names.replaced(name) > last {
		r.setTarget(i, false)
		return l.draft.put(i, r)
	}
	target := l.draft.record(int(last - 1))
	switch target.kind {
	case Directory:
		return &FormatError{
			Entry:  string(l.draft.appendName(nil, r)),
			Detail: "it is a hard link to the directory " + string(name),
		}
	case HardLink:
		r.setTarget(target.target(), target.flags&flagInLayer != 0)
	default:
		r.setTarget(int(last-1), true)
	}
	return l.draft.put(i, r)
}

// count fills groups, and returns what Layer.Size returns.
func (l *links) count() (size int64) {
	for i := range int(l.draft.entries) {
		r := l.draft.record(i)
		switch {
		case r.kind == Regular || r.kind == Symlink:
			if l.remains(i, &r) {
				size += r.size
			}
		case r.kind == HardLink && r.flags&flagInLayer != 0:
			size += l.countLink(i, &r)
		}
	}
	return size
}

// countLink counts a hard link, and returns the size of its file if no other name of that counts.
func (l *links) countLink(i int, r *record) (size int64) {
	root := r.target()
	target := l.draft.record(root)
	if _, ok := l.groups[root]; !ok {
		l.groups[root] = 0
		if l.remains(root, &target) {
			l.groups[root] = 1
		}
	}
	if !l.remains(i, r) {
		return 0
	}
	l.groups[root]++
	if l.groups[root] == 1 && (target.kind == Regular || target.kind == Symlink) {
		return target.size
	}
	return 0
}

// remains tells whether an entry's name is its own at the end of the layer.
func (l *links) remains(i int, r *record) bool {
	l.name = l.draft.appendName(l.name[:0], r)
	if l.names.find(l.name).last != uint32(i+1) {
		return false
	}
	if l.dir != r.dir {
		l.dir, l.replaced = r.dir, l.names.replaced(l.name)
	}
	return r.dir == 0 || l.replaced <= uint32(i)
}

// write puts the counts into the records.
func (l *links) write() error {
	for root, n := range l.groups {
		r := l.draft.record(root)
		r.nlink = max(1, n)
		if err := l.draft.put(root, &r); err != nil {
			return err
		}
	}
	if len(l.groups) == 0 {
		return nil
	}
	for i := range int(l.draft.entries) {
		r := l.draft.record(i)
		if r.kind != HardLink || r.flags&flagInLayer == 0 {
			continue
		}
		r.nlink = max(1, l.groups[r.target()])
		if err := l.draft.put(i, &r); err != nil {
			return err
		}
	}
	return nil
}
