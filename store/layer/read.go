package layer

import (
	"runtime/debug"
)

// Entry returns entry i.
func (l *Layer) Entry(i int) (e Entry, err error) {
	defer l.index.guard(debug.SetPanicOnFault(true), &err)
	r, err := l.index.record(i)
	if err != nil {
		return Entry{}, err
	}
	e = Entry{Type: r.kind, Attr: r.attr()}
	if e.Name, err = l.index.name(&r); err != nil {
		return Entry{}, err
	}
	e.Link, err = l.index.link(&r)
	return e, err
}

// Type returns entry i's type alone.
func (l *Layer) Type(i int) (t Type, err error) {
	defer l.index.guard(debug.SetPanicOnFault(true), &err)
	r, err := l.index.record(i)
	return r.kind, err
}

// Attr returns entry i's attributes alone, without allocating.
func (l *Layer) Attr(i int) (a Attr, err error) {
	defer l.index.guard(debug.SetPanicOnFault(true), &err)
	r, err := l.index.record(i)
	if err != nil {
		return Attr{}, err
	}
	return r.attr(), nil
}

// Link returns entry i's Link alone.
func (l *Layer) Link(i int) (link string, err error) {
	defer l.index.guard(debug.SetPanicOnFault(true), &err)
	r, err := l.index.record(i)
	if err != nil {
		return "", err
	}
	return l.index.link(&r)
}

// Target returns the entry that hard link i is a link to, as far as literal names within this layer tell: the last one
// before i with the name Link(i), and if that is a hard link too, its target. If such a chain leads to a name that this
// layer had no entry for at that time, ok is false and entry is the hard link, i or another, whose Link is that name.
func (l *Layer) Target(i int) (entry int, ok bool, err error) {
	defer l.index.guard(debug.SetPanicOnFault(true), &err)
	r, err := l.index.record(i)
	if err != nil {
		return 0, false, err
	}
	if r.kind != HardLink {
		return 0, false, notA("hard link", i)
	}
	return r.target(), r.flags&flagInLayer != 0, nil
}

// Xattrs returns entry i's extended attributes, sorted by name.
func (l *Layer) Xattrs(i int) (list []Xattr, err error) {
	defer l.index.guard(debug.SetPanicOnFault(true), &err)
	r, err := l.index.record(i)
	if err != nil || r.xattrs == 0 {
		return nil, err
	}
	return l.index.xattrList(int64(r.xattrs))
}
