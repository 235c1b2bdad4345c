package tree

import (
	"strings"

	"github.com/imagefs/imagefs/store/layer"
)

// maxSymlinks is how many symlinks a path may lead through, as in umoci; Linux itself allows 40.
const maxSymlinks = 255

// place is where a path leads: the deepest node that exists, and the names below it that do not.
type place struct {
	node    uint32
	missing []string
}

// resolve follows path from the root, through symlinks, the last component's too, and never above the root. As
// umoci does, it takes what does not exist, and what is no directory, for an empty directory.
func (m *merger) resolve(path string) (place, error) {
	var p place
	for followed := 0; path != ""; {
		var name string
		name, path, _ = strings.Cut(path, "/")
		if name == "" || name == "." {
			continue
		}
		if name == ".." {
			p = m.above(p)
			continue
		}
		if len(p.missing) > 0 {
			p.missing = append(p.missing, name)
			continue
		}
		child, ok := m.lookup(p.node, name)
		if !ok {
			p.missing = append(p.missing, name)
			continue
		}
		if m.list[child].typ != layer.Symlink {
			p.node = child
			continue
		}
		if followed++; followed > maxSymlinks {
			return place{}, invalid("its path leads through too many symlinks")
		}
		target, err := m.layers[m.list[child].layer].Link(int(m.list[child].entry))
		if err != nil {
			return place{}, err
		}
		if strings.HasPrefix(target, "/") {
			p = place{}
		}
		path = target + "/" + path
	}
	return p, nil
}

func (m *merger) above(p place) place {
	if last := len(p.missing) - 1; last >= 0 {
		return place{node: p.node, missing: p.missing[:last]}
	}
	return place{node: m.list[p.node].parent}
}

// find returns the node at path. Symlinks on the way are followed, a symlink at its end is not.
func (m *merger) find(path string) (node uint32, ok bool, err error) {
	if path == "." {
		return 0, true, nil
	}
	dir, base := split(path)
	p, err := m.resolve(dir)
	if err != nil || len(p.missing) > 0 {
		return 0, false, err
	}
	node, ok = m.lookup(p.node, base)
	return node, ok, nil
}

func split(path string) (dir, base string) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 {
		return "", path
	}
	return path[:slash], path[slash+1:]
}
