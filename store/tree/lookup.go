package tree

import (
	"strings"

	"github.com/imagefs/imagefs/store/layer"
)

// Lookup finds the child of directory dir with that name; ok is false if there is none, or dir is no directory.
func (t *Tree) Lookup(dir int, name string) (i int, ok bool, err error) {
	defer t.table.caught(t.table.catch(), &err)
	c := cursor{table: t.table}
	return c.lookup(dir, name)
}

// Walk resolves a slash-separated path from the root, following no symlinks. Empty components and "." are skipped; ".."
// is the directory's parent.
func (t *Tree) Walk(path string) (i int, ok bool, err error) {
	defer t.table.caught(t.table.catch(), &err)
	c := cursor{table: t.table}
	for path != "" {
		var name string
		name, path, _ = strings.Cut(path, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			var r record
			r, err = c.record(i)
			i = int(r.parent)
		default:
			if i, ok, err = c.lookup(i, name); err == nil && !ok {
				return 0, false, nil
			}
		}
		if err != nil {
			return 0, false, err
		}
	}
	return i, true, nil
}

func (c *cursor) lookup(dir int, name string) (i int, ok bool, err error) {
	r, err := c.record(dir)
	if err != nil || r.typ != layer.Directory {
		return 0, false, err
	}
	low, high := int(r.first), int(r.first)+int(r.count)
	for low < high {
		middle := int(uint(low+high) / 2)
		r, err := c.record(middle)
		if err != nil {
			return 0, false, err
		}
		found, err := c.name(r)
		if err != nil {
			return 0, false, err
		}
		switch {
		case string(found) == name:
			return middle, true, nil
		case string(found) < name:
			low = middle + 1
		default:
			high = middle
		}
	}
	return 0, false, nil
}
