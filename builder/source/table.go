package source

import (
	"io"
	"path"
	"slices"
)

// table is a tree whose files are known beforehand.
type table struct {
	files map[string]*File
	names map[string][]string // in a directory
	open  func(name string) (io.ReadCloser, error)
}

func newTable(open func(name string) (io.ReadCloser, error)) *table {
	root := &File{Mode: dirMode}
	return &table{files: map[string]*File{".": root}, names: map[string][]string{}, open: open}
}

const (
	dirMode  = 0o040755
	fileMode = 0o100000
)

// add adds a file, in place of another of that name, and the directories that lead to it.
func (t *table) add(name string, f *File) {
	if old := t.files[name]; old == nil {
		dir := path.Dir(name)
		if t.files[dir] == nil {
			t.add(dir, &File{Mode: dirMode, ModTime: f.ModTime})
		}
		t.names[dir] = append(t.names[dir], path.Base(name))
	}
	t.files[name] = f
}

func (t *table) Lstat(name string) (*File, error) {
	if f := t.files[name]; f != nil {
		return f, nil
	}
	return nil, notExist(name)
}

func (t *table) ReadDir(name string) ([]string, error) {
	if t.files[name] == nil {
		return nil, notExist(name)
	}
	return slices.Sorted(slices.Values(t.names[name])), nil
}

func (t *table) Open(name string) (io.ReadCloser, error) { return t.open(name) }
