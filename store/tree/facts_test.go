package tree

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
)

// facts is what a walk finds out about a name. Of a directory, size and nlink are left out.
type facts struct {
	mode, uid, gid, nlink uint32
	size, sec             int64
	nsec                  uint32
	rdev                  uint64
	link                  string
	sum                   string // of a regular file's content
	xattrs                string
	names                 string // all names of the file
	made                  bool   // a directory that no layer has an entry for, but not the root
}

func factsOfDirectory(t *testing.T, root string) map[string]facts {
	t.Helper()
	all := map[string]facts{}
	names := map[uint64][]string{}
	inodes := map[string]uint64{}
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
			return err
		}
		f := facts{
			mode: st.Mode, uid: st.Uid, gid: st.Gid, nlink: uint32(st.Nlink), size: st.Size,
			sec: st.Mtim.Sec, nsec: uint32(st.Mtim.Nsec), rdev: st.Rdev,
		}
		if f.xattrs, err = xattrsOf(path); err != nil {
			return err
		}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFDIR:
			f.nlink, f.size = 0, 0
		case unix.S_IFLNK:
			f.link, err = os.Readlink(path)
		case unix.S_IFREG:
			var data []byte
			data, err = os.ReadFile(path)
			f.sum = fmt.Sprintf("%x", sha256.Sum256(data))
		}
		all[name], inodes[name] = f, st.Ino
		names[st.Ino] = append(names[st.Ino], name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return withNames(all, inodes, names)
}

func xattrsOf(path string) (string, error) {
	buf := make([]byte, 64<<10)
	n, err := unix.Llistxattr(path, buf)
	if err != nil {
		return "", err
	}
	var list []layer.Xattr
	for name := range strings.SplitSeq(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		value := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return "", err
		}
		list = append(list, layer.Xattr{Name: name, Value: value[:n]})
	}
	slices.SortFunc(list, func(a, b layer.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return fmt.Sprintf("%q", list), nil
}

func factsOfTree(t *testing.T, tree *Tree, contents []*layer.Layer) map[string]facts {
	t.Helper()
	all := map[string]facts{}
	names := map[Origin][]string{}
	inodes := map[string]Origin{}
	for i := range tree.Len() {
		n, err := tree.Node(i)
		if err != nil {
			t.Fatal(err)
		}
		a, err := tree.Attr(i)
		if err != nil {
			t.Fatal(err)
		}
		xattrs, err := tree.Xattrs(i)
		if err != nil {
			t.Fatal(err)
		}
		f := facts{
			mode: a.Mode, uid: a.UID, gid: a.GID, nlink: a.Nlink, size: a.Size,
			sec: a.Sec, nsec: a.Nsec, rdev: a.Rdev, xattrs: fmt.Sprintf("%q", xattrs),
			made: n.Origin.Layer < 0 && i > 0,
		}
		name := pathOf(t, tree, i)
		switch n.Type {
		case layer.Directory:
			f.nlink, f.size = 0, 0
			n.Origin.Node = math.MinInt + i // a directory has one name
		case layer.Symlink:
			f.link, err = tree.Readlink(i)
		case layer.Regular:
			f.sum, err = sumOf(contents[n.Origin.Layer], n.Origin.Entry, a.Size)
		}
		if err != nil {
			t.Fatal(err)
		}
		all[name], inodes[name] = f, n.Origin
		names[n.Origin] = append(names[n.Origin], name)
	}
	return withNames(all, inodes, names)
}

func sumOf(l *layer.Layer, entry int, size int64) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, io.NewSectionReader(reader{l, entry}, 0, size))
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// reader is the content of an entry.
type reader struct {
	layer *layer.Layer
	entry int
}

func (r reader) ReadAt(p []byte, off int64) (int, error) { return r.layer.ReadAt(r.entry, p, off) }

func withNames[K comparable](all map[string]facts, inodes map[string]K, names map[K][]string) map[string]facts {
	for name, f := range all {
		group := names[inodes[name]]
		slices.SortFunc(group, func(a, b string) int { return bytes.Compare([]byte(a), []byte(b)) })
		f.names = strings.Join(group, "|")
		all[name] = f
	}
	return all
}
