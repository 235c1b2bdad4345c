package source

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// Dir is a directory. Its files belong to root, as in docker's contexts, and have no extended attributes.
type Dir struct{ root *os.Root }

// OpenDir opens a directory.
func OpenDir(name string) (*Dir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &Dir{root}, nil
}

func (d *Dir) Close() error { return d.root.Close() }

// File is the directory itself, for a program that reads it.
func (d *Dir) File() (*os.File, error) { return d.root.Open(".") }

func (d *Dir) Lstat(name string) (*File, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrInvalid}
	}
	f := &File{Mode: st.Mode, Size: info.Size(), ModTime: info.ModTime(), Rdev: st.Rdev}
	if f.IsSymlink() {
		f.Link, err = d.root.Readlink(name)
	}
	if st.Nlink > 1 && f.IsRegular() {
		f.Inode = [2]uint64{st.Dev, st.Ino}
	}
	return f, err
}

func (d *Dir) ReadDir(name string) ([]string, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// Open opens a file; what has become a fifo since it was looked at does not block.
func (d *Dir) Open(name string) (io.ReadCloser, error) {
	return d.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
}
