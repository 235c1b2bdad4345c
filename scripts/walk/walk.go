// Package walk records everything that lstat(2), readlink(2), listxattr(2) and read(2) tell of a file tree, so that two
// trees can be compared.
package walk

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Tree maps a path, relative to the root and "." for it, to what is known of it, one "field=value" a word.
type Tree map[string]string

// Walk records the tree at root. Of directories it leaves out size and link count, which are the file system's own
// business.
func Walk(root string) (Tree, error) {
	tree := Tree{}
	names := map[uint64][]string{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return &fs.PathError{Op: "lstat", Path: path, Err: err}
		}
		tree[name], err = describe(path, &st)
		if st.Nlink > 1 && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			names[st.Ino] = append(names[st.Ino], name)
		}
		return err
	})
	for _, group := range names {
		sort.Strings(group)
		for _, name := range group {
			tree[name] += fmt.Sprintf(" links=%q", group)
		}
	}
	return tree, err
}

func describe(path string, st *unix.Stat_t) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "mode=%o uid=%d gid=%d mtime=%d.%09d", st.Mode, st.Uid, st.Gid, st.Mtim.Sec, st.Mtim.Nsec)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		sum, err := checksum(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, " nlink=%d size=%d sha256=%x", st.Nlink, st.Size, sum)
	case unix.S_IFLNK:
		target, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, " nlink=%d size=%d target=%q", st.Nlink, st.Size, target)
	case unix.S_IFCHR, unix.S_IFBLK:
		fmt.Fprintf(&b, " nlink=%d rdev=%d:%d", st.Nlink, unix.Major(st.Rdev), unix.Minor(st.Rdev))
	case unix.S_IFIFO:
		fmt.Fprintf(&b, " nlink=%d", st.Nlink)
	}
	attrs, err := xattrs(path)
	if err != nil {
		return "", err
	}
	b.WriteString(attrs)
	return b.String(), nil
}

func checksum(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

func xattrs(path string) (string, error) {
	buf := make([]byte, 64<<10)
	n, err := unix.Llistxattr(path, buf)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return "", nil
	}
	if err != nil {
		return "", &fs.PathError{Op: "listxattr", Path: path, Err: err}
	}
	names := strings.FieldsFunc(string(buf[:n]), func(r rune) bool { return r == 0 })
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		n, err := unix.Lgetxattr(path, name, buf)
		if err != nil {
			return "", &fs.PathError{Op: "getxattr " + name, Path: path, Err: err}
		}
		fmt.Fprintf(&b, " %s=%x", name, buf[:n])
	}
	return b.String(), nil
}

// Diff lists the differences between two trees, a line each, sorted by path; empty if there are none.
func Diff(got, want Tree) []string {
	var lines []string
	for name, w := range want {
		switch g, ok := got[name]; {
		case !ok:
			lines = append(lines, fmt.Sprintf("%q is missing (want %s)", name, w))
		case g != w:
			lines = append(lines, fmt.Sprintf("%q\n\tgot  %s\n\twant %s", name, g, w))
		}
	}
	for name, g := range got {
		if _, ok := want[name]; !ok {
			lines = append(lines, fmt.Sprintf("%q should not be there (%s)", name, g))
		}
	}
	sort.Strings(lines)
	return lines
}
