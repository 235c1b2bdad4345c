package container

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Files is a root filesystem to copy from and to: a container's, or the host's. Paths begin at its root, whatever they
// have for symlinks and "..".
type Files struct{ root *os.File }

// OpenFiles opens the files below root.
func OpenFiles(root string) (*Files, error) {
	f, err := os.OpenFile(root, unix.O_PATH|unix.O_DIRECTORY, 0)
	return &Files{f}, err
}

func (f *Files) Close() error { return f.root.Close() }

// Info is what a copy needs to know of a path.
type Info struct {
	Name  string // its own; that of what a followed symlink leads to is the symlink's
	IsDir bool
}

// Stat tells of a path, as lstat(2) unless follow is set, or the path ends with a slash; fs.ErrNotExist.
func (f *Files) Stat(name string, follow bool) (Info, error) {
	flags := unix.O_PATH
	if !follow && !endsWithSlash(name) {
		flags |= unix.O_NOFOLLOW
	}
	file, err := f.open(name, flags)
	if err != nil {
		return Info{}, err
	}
	defer file.Close()
	i, err := file.Stat()
	if err != nil {
		return Info{}, err
	}
	return Info{path.Base(path.Clean("/" + name)), i.IsDir()}, nil
}

// Resolve returns the path that name leads to, without symlinks.
func (f *Files) Resolve(name string) (string, error) {
	file, err := f.open(name, unix.O_PATH)
	if err != nil {
		return "", err
	}
	defer file.Close()
	root, err := realPath(f.root)
	if err != nil {
		return "", err
	}
	real, err := realPath(file)
	return path.Clean("/" + strings.TrimPrefix(real, root)), err
}

func realPath(f *os.File) (string, error) {
	return os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
}

func endsWithSlash(name string) bool { return strings.HasSuffix(name, "/") || path.Base(name) == "." }

func (f *Files) open(name string, flags int) (*os.File, error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	if name == "" {
		name = "."
	}
	for {
		fd, err := unix.Openat2(int(f.root.Fd()), name, &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), name), nil
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR): // EAGAIN: something was moved meanwhile
			return nil, &os.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

// parent opens the directory that an entry stands in, and returns the entry's name there; the root stands in itself, as ".".
// Whatever is put in the way meanwhile, it is a directory of the root.
func (f *Files) parent(name string, follow bool) (directory, string, error) {
	if !follow && !endsWithSlash(name) {
		dir, err := f.open(path.Dir(name), unix.O_DIRECTORY)
		return directory{File: dir}, path.Base(name), err
	}
	real, err := f.Resolve(name)
	if err != nil {
		return directory{}, "", err
	}
	dir, err := f.open(path.Dir(real), unix.O_DIRECTORY)
	if real == "/" {
		return directory{File: dir}, ".", err
	}
	return directory{File: dir}, path.Base(real), err
}
