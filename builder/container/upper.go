package container

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/tree"
)

// directory is an open directory of an upper directory. A process in the container may change what is below it at any
// time, so each step goes from an open directory to an entry of it, and never through a symlink.
type directory struct {
	*os.File
	marks string // "trusted.overlay." or "user.overlay."
}

// entry is what lstat(2) tells of an entry of a directory.
type entry struct {
	name string
	stat unix.Stat_t
}

func (e *entry) fileType() uint32 { return e.stat.Mode & unix.S_IFMT }
func (e *entry) isDir() bool      { return e.fileType() == unix.S_IFDIR }

// isWhiteout tells whether the entry says only that the image's is removed.
func (e *entry) isWhiteout() bool { return e.fileType() == unix.S_IFCHR && e.stat.Rdev == 0 }

func (c *Container) openUpper() (directory, error) {
	marks := "trusted.overlay."
	if c.UserXattr {
		marks = "user.overlay."
	}
	f, err := os.OpenFile(c.upper(), unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	return directory{f, marks}, err
}

// open opens the entry name, which must be a directory.
func (d directory) open(name string) (directory, error) {
	f, err := d.openAt(name, unix.O_DIRECTORY)
	return directory{f, d.marks}, err
}

// openFile opens the entry name to be read. It does not wait, should that be a pipe by now.
func (d directory) openFile(name string) (*os.File, error) { return d.openAt(name, unix.O_NONBLOCK) }

func (d directory) openAt(name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(int(d.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|flags, 0)
	if err != nil {
		return nil, d.error("open", name, err)
	}
	return os.NewFile(uintptr(fd), d.Name()+"/"+name), nil
}

func (d directory) error(op, name string, err error) error {
	return &os.PathError{Op: op, Path: d.Name() + "/" + name, Err: err}
}

// entries returns the directory's entries, sorted by name. What goes meanwhile is left out.
func (d directory) entries() ([]entry, error) {
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(names))
	for _, name := range names {
		e := entry{name: name}
		err := unix.Fstatat(int(d.Fd()), name, &e.stat, unix.AT_SYMLINK_NOFOLLOW)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return nil, d.error("lstat", name, err)
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, byName)
	return entries, nil
}

func byName(a, b entry) int { return cmp.Compare(a.name, b.name) }

// isOpaque tells whether the directory hides what the image has below it.
func (d directory) isOpaque() (bool, error) {
	value, err := d.xattr(".", d.marks+"opaque")
	return string(value) == "y", err
}

// readlink returns the target of the symlink name.
func (d directory) readlink(name string) (string, error) {
	for size := 256; ; size *= 2 {
		buf := make([]byte, size)
		n, err := unix.Readlinkat(int(d.Fd()), name, buf)
		if err != nil {
			return "", d.error("readlink", name, err)
		}
		if n < size {
			return string(buf[:n]), nil
		}
	}
}

// proc is a path to the entry name, through the open directory.
func (d directory) proc(name string) string {
	return "/proc/self/fd/" + strconv.Itoa(int(d.Fd())) + "/" + name
}

// xattr returns the value of an extended attribute of the entry name; nil if it has none.
func (d directory) xattr(name, attr string) ([]byte, error) {
	for {
		size, err := unix.Lgetxattr(d.proc(name), attr, nil)
		if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
			return nil, nil
		}
		value := make([]byte, size)
		if err == nil && size > 0 {
			size, err = unix.Lgetxattr(d.proc(name), attr, value)
		}
		switch {
		case err == nil:
			return value[:size], nil
		case errors.Is(err, unix.ERANGE): // it has grown
		case errors.Is(err, unix.ENODATA):
			return nil, nil
		default:
			return nil, d.error("getxattr", name, err)
		}
	}
}

// xattrNames lists the extended attributes of the entry name that belong in a layer.
func (d directory) xattrNames(name string) ([]string, error) {
	list, err := d.listXattrs(name)
	var names []string
	for attr := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		if attr != "" && isPortable(attr) {
			names = append(names, attr)
		}
	}
	slices.Sort(names)
	return names, err
}

func (d directory) listXattrs(name string) ([]byte, error) {
	for {
		size, err := unix.Llistxattr(d.proc(name), nil)
		if errors.Is(err, unix.ENOTSUP) {
			return nil, nil
		}
		list := make([]byte, size)
		if err == nil && size > 0 {
			size, err = unix.Llistxattr(d.proc(name), list)
		}
		switch {
		case err == nil:
			return list[:size], nil
		case !errors.Is(err, unix.ERANGE):
			return nil, d.error("listxattr", name, err)
		}
	}
}

const capability = "security.capability"

// isPortable tells whether an extended attribute means the same on another machine. Overlayfs's own do not, nor do the
// labels of security modules.
func isPortable(attr string) bool {
	return !tree.SteersOverlay(attr) && (attr == capability || !strings.HasPrefix(attr, "security."))
}
