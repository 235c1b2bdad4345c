package tree

import (
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
)

// fake is a layer in memory.
type fake struct {
	entries []layer.Entry
	xattrs  map[string][]layer.Xattr // by entry name
	damaged int                      // the entry whose Entry and Attr fail; -1 if none
}

func fakeLayer(entries ...layer.Entry) *fake {
	f := &fake{entries: entries, damaged: -1}
	files := map[string]int{}
	for i, e := range entries {
		if e.Type == layer.Whiteout || e.Type == layer.Opaque {
			continue
		}
		f.entries[i].Attr.Nlink = 1
		files[e.Name] = i
		if e.Type == layer.HardLink {
			if target, ok, _ := f.Target(i); ok {
				files[e.Name] = target
			}
		}
	}
	names := map[int]uint32{}
	for _, i := range files {
		names[i]++
	}
	for i, n := range names {
		if f.entries[i].Type == layer.Regular {
			f.entries[i].Attr.Nlink = n
		}
	}
	return f
}

func (f *fake) Len() int { return len(f.entries) }

func (f *fake) Entry(i int) (layer.Entry, error) {
	if i == f.damaged || i >= len(f.entries) {
		return layer.Entry{}, &layer.CorruptError{Path: "fake", Detail: "damaged"}
	}
	return f.entries[i], nil
}

func (f *fake) Attr(i int) (layer.Attr, error) {
	e, err := f.Entry(i)
	return e.Attr, err
}

func (f *fake) Type(i int) (layer.Type, error)      { return f.entries[i].Type, nil }
func (f *fake) Link(i int) (string, error)          { return f.entries[i].Link, nil }
func (f *fake) Xattrs(i int) ([]layer.Xattr, error) { return f.xattrs[f.entries[i].Name], nil }
func (f *fake) Release()                            {}

// Target keeps the promise of [layer.Layer.Target].
func (f *fake) Target(i int) (int, bool, error) {
	for {
		next := i - 1
		for ; next >= 0; next-- {
			e := f.entries[next]
			if e.Name == f.entries[i].Link && e.Type != layer.Whiteout && e.Type != layer.Opaque {
				break
			}
		}
		if next < 0 {
			return i, false, nil
		}
		if i = next; f.entries[i].Type != layer.HardLink {
			return i, true, nil
		}
	}
}

func file(name string) layer.Entry { return entry(name, layer.Regular, unix.S_IFREG|0o644) }
func dir(name string) layer.Entry  { return entry(name, layer.Directory, unix.S_IFDIR|0o755) }
func fifo(name string) layer.Entry { return entry(name, layer.Fifo, unix.S_IFIFO|0o600) }

func symlink(name, target string) layer.Entry {
	e := entry(name, layer.Symlink, unix.S_IFLNK|0o777)
	e.Link = target
	return e
}

func hardlink(name, target string) layer.Entry {
	e := entry(name, layer.HardLink, unix.S_IFREG|0o600)
	e.Link = target
	return e
}

func whiteout(name string) layer.Entry { return layer.Entry{Name: name, Type: layer.Whiteout} }
func opaque(name string) layer.Entry   { return layer.Entry{Name: name, Type: layer.Opaque} }

func entry(name string, typ layer.Type, mode uint32) layer.Entry {
	return layer.Entry{Name: name, Type: typ, Attr: layer.Attr{Mode: mode, Sec: 1000}}
}

func stack(layers ...*fake) []Layer {
	var s []Layer
	for _, l := range layers {
		s = append(s, l)
	}
	return s
}
