package copying

import (
	"path"
	"slices"
	"strings"

	"github.com/imagefs/imagefs/builder/source"
)

func hasWildcards(pattern string) bool { return strings.ContainsAny(pattern, `*?[\`) }

// glob returns the names that a pattern matches, component by component as path.Match does; deep lets "**" stand for any
// number of directories.
func glob(t source.Tree, pattern string, deep bool) ([]string, error) {
	names := []string{"."}
	for _, part := range strings.Split(path.Clean("/" + pattern)[1:], "/") {
		var next []string
		for _, dir := range names {
			found, err := step(t, dir, part, deep)
			if err != nil {
				return nil, err
			}
			next = append(next, found...)
		}
		slices.Sort(next)
		names = slices.Compact(next)
	}
	return names, nil
}

// step returns what a component of a pattern matches in a directory.
func step(t source.Tree, dir, part string, deep bool) ([]string, error) {
	real, file, err := source.Resolve(t, dir)
	if err != nil || file == nil || !file.IsDir() {
		return nil, err
	}
	if deep && part == "**" {
		return directories(t, dir)
	}
	if !hasWildcards(part) {
		name := path.Join(dir, part)
		if _, file, err := source.Resolve(t, name); err != nil || file == nil {
			return nil, err
		}
		return []string{name}, nil
	}
	names, err := t.ReadDir(real)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names {
		ok, err := path.Match(part, name)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, path.Join(dir, name))
		}
	}
	return found, nil
}

// directories are dir and all that are below it.
func directories(t source.Tree, dir string) ([]string, error) {
	all := []string{dir}
	names, err := t.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		at := path.Join(dir, name)
		file, err := t.Lstat(at)
		if err != nil {
			return nil, err
		}
		if !file.IsDir() {
			continue
		}
		below, err := directories(t, at)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}
