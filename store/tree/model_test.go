package tree

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/imagefs/imagefs/store/layer"
)

// model is the merge written a second time, naively: a map of paths. "." is the root.
type model struct {
	layers []*fake
	files  map[string]inode
}

// modelError says which entry of the topmost layer is at fault.
type modelError struct{ layer, entry int }

func (e modelError) Error() string { return fmt.Sprintf("layer %d, entry %d", e.layer, e.entry) }

func newModel(layers []*fake) *model {
	return &model{layers: layers, files: map[string]inode{".": implicitDirectory}}
}

func (m *model) build() error {
	for k := range m.layers {
		if err := m.apply(k); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) apply(k int) error {
	lower := &model{layers: m.layers, files: maps.Clone(m.files)}
	for i, e := range m.layers[k].entries {
		if k == 0 {
			break
		}
		if e.Type == layer.Whiteout || e.Type == layer.Opaque {
			if !m.hide(e) {
				return modelError{k, i}
			}
		}
	}
	return m.extract(k, lower)
}

func (m *model) extract(k int, lower *model) error {
	for i, e := range m.layers[k].entries {
		if e.Type == layer.Whiteout || e.Type == layer.Opaque {
			continue
		}
		to, ok := inode{layer: uint16(k), entry: uint32(i), typ: e.Type}, true
		if e.Type == layer.HardLink {
			to, ok = m.linked(k, i, lower)
		}
		if !ok || !m.enter(k, e.Name, to) {
			return modelError{k, i}
		}
	}
	return nil
}

func (m *model) hide(e layer.Entry) bool {
	if e.Type == layer.Whiteout && e.Name == "." {
		return false
	}
	at, ok := m.locate(e.Name)
	if e.Type == layer.Opaque {
		at, ok = m.resolve(e.Name)
	}
	if !ok {
		return false
	}
	m.removeBelow(at)
	if e.Type == layer.Whiteout {
		delete(m.files, at)
	}
	return true
}

func (m *model) removeBelow(dir string) {
	maps.DeleteFunc(m.files, func(p string, _ inode) bool {
		return p != "." && (dir == "." || strings.HasPrefix(p, dir+"/"))
	})
}

func (m *model) linked(k, i int, lower *model) (inode, bool) {
	l := m.layers[k]
	last, within, _ := l.Target(i)
	if within {
		typ := l.entries[last].Type
		return inode{layer: uint16(k), entry: uint32(last), typ: typ}, typ != layer.Directory
	}
	at, ok := m.locate(l.entries[i].Link)
	if !ok {
		return inode{}, false
	}
	to, ok := m.files[at]
	if !ok {
		if at, ok = lower.locate(l.entries[last].Link); ok {
			to, ok = lower.files[at]
		}
	}
	return to, ok && to.typ != layer.Directory
}

func (m *model) enter(k int, name string, to inode) bool {
	at, ok := m.locate(name)
	if !ok || at == "." && to.typ != layer.Directory {
		return false
	}
	if at != "." && !m.makeDirectory(k, path.Dir(at)) {
		return false
	}
	if to.typ != layer.Directory {
		m.removeBelow(at)
	}
	m.files[at] = to
	return true
}

func (m *model) makeDirectory(k int, dir string) bool {
	if dir != "." && !m.makeDirectory(k, path.Dir(dir)) {
		return false
	}
	there, ok := m.files[dir]
	if ok && there.typ == layer.Directory {
		return true
	}
	if ok && int(there.layer) == k {
		return false
	}
	m.files[dir] = implicitDirectory
	return true
}

// locate resolves all but the last component of a path.
func (m *model) locate(name string) (string, bool) {
	dir, ok := m.resolve(path.Dir(name))
	return path.Join(dir, path.Base(name)), ok
}

func (m *model) resolve(name string) (string, bool) {
	at := "."
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		next := path.Join("/", at, rest[0])[1:]
		rest = rest[1:]
		if next == "" {
			next = "."
		}
		f, ok := m.files[next]
		if !ok || f.typ != layer.Symlink {
			at = next
			continue
		}
		if links++; links > maxSymlinks {
			return "", false
		}
		target := m.layers[f.layer].entries[f.entry].Link
		if path.IsAbs(target) {
			at = "."
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, true
}

func (m *model) listing() []string {
	paths := slices.SortedFunc(maps.Keys(m.files), breadthFirst)
	links := map[inode][]string{}
	for _, p := range paths {
		links[m.files[p]] = append(links[m.files[p]], p)
	}
	var lines []string
	for _, p := range paths {
		f := m.files[p]
		from := "new"
		if f.layer != implicit {
			from = fmt.Sprintf("%d.%d", f.layer, f.entry)
		}
		line := fmt.Sprintf("%s %s %s", p, letters[f.typ], from)
		if names := links[f]; f.typ != layer.Directory &&
			int(m.layers[f.layer].entries[f.entry].Attr.Nlink) != len(names) {
			line += fmt.Sprintf(" own %d %s", len(names), names[0])
		}
		lines = append(lines, line)
	}
	return lines
}

func breadthFirst(a, b string) int {
	if a == "." || b == "." {
		return cmp.Compare(strings.Count("/"+b, "."), strings.Count("/"+a, "."))
	}
	x, y := strings.Split(a, "/"), strings.Split(b, "/")
	return cmp.Or(cmp.Compare(len(x), len(y)), slices.Compare(x, y))
}
