package source

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Tree is files. Names have no leading slash and no "..", the root is "."; no component but the last is a symlink. What is
// not there is fs.ErrNotExist. Its methods may be called from many goroutines.
type Tree interface {
	Lstat(name string) (*File, error)
	// ReadDir returns the names in a directory, sorted.
	ReadDir(name string) ([]string, error)
	// Open reads a regular file.
	Open(name string) (io.ReadCloser, error)
}

// File is what a tree tells of a file.
type File struct {
	Mode     uint32 // st_mode: type and permission bits
	UID, GID int
	Size     int64 // of a regular file
	ModTime  time.Time
	Link     string            // a symlink's target
	Rdev     uint64            // of a device
	Xattrs   map[string]string // those that an image keeps
	// Inode is equal for the names of one file; nil if it has one name.
	Inode any
}

func (f *File) typ() uint32 { return f.Mode & unix.S_IFMT }

// IsDir, IsRegular and IsSymlink tell what the file is.
func (f *File) IsDir() bool     { return f.typ() == unix.S_IFDIR }
func (f *File) IsRegular() bool { return f.typ() == unix.S_IFREG }
func (f *File) IsSymlink() bool { return f.typ() == unix.S_IFLNK }

// maxSymlinks is how many a path may lead through, as in Linux.
const maxSymlinks = 40

// Resolve follows a path through symlinks, the last component's too, as if the tree were the root directory. Where the path
// ends in nothing, the file is nil, and what is missing is the end of the name.
func Resolve(t Tree, name string) (string, *File, error) {
	real, file := ".", (*File)(nil)
	missing := false
	followed := 0
	for rest := name; rest != ""; {
		var next string
		next, rest, _ = strings.Cut(rest, "/")
		switch {
		case next == "" || next == ".":
			continue
		case next == "..":
			real, missing = path.Dir(real), false
			continue
		case missing:
			real = path.Join(real, next)
			continue
		}
		at := path.Join(real, next)
		f, err := t.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			real, missing = at, true
			continue
		case err != nil:
			return "", nil, err
		case f.IsSymlink():
			if followed++; followed > maxSymlinks {
				return "", nil, &fs.PathError{Op: "open", Path: "/" + name, Err: syscall.ELOOP}
			}
			if strings.HasPrefix(f.Link, "/") {
				real = "."
			}
			rest = f.Link + "/" + rest
			continue
		case !f.IsDir() && strings.Trim(rest, "/") != "":
			return "", nil, &fs.PathError{Op: "open", Path: "/" + name, Err: syscall.ENOTDIR}
		}
		real = at
	}
	file, err := t.Lstat(real)
	if errors.Is(err, fs.ErrNotExist) {
		return real, nil, nil
	}
	return real, file, err
}

func notExist(name string) error {
	return &fs.PathError{Op: "lstat", Path: name, Err: syscall.ENOENT}
}
