package names

import (
	"io/fs"
	"slices"
	"strings"
)

// lstat describes a path of the view or of the control files.
func (f *FS) lstat(path string) (fs.FileInfo, error) {
	if f.files.Owns(path) {
		return f.files.Lstat(path)
	}
	return f.view().Lstat(path)
}

func (f *FS) readLink(path string) (string, error) {
	if f.files.Owns(path) {
		return f.files.ReadLink(path)
	}
	return f.view().ReadLink(path)
}

// readDir lists a directory, sorted by name. The mount point has entries of both.
func (f *FS) readDir(path string) ([]fs.DirEntry, error) {
	if f.files.Owns(path) {
		return f.files.ReadDir(path)
	}
	list, err := f.view().ReadDir(path)
	if err != nil || path != "." {
		return list, err
	}
	more, err := f.files.ReadDir(path)
	if err != nil {
		return nil, err
	}
	list = slices.Concat(list, more)
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}
