package names

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/imagefs/imagefs/store"
)

// Mount is what a view shows of the mount itself.
type Mount struct {
	Mountpoint string    // absolute
	Content    string    // where the content tree is mounted, absolute
	Time       time.Time // of what has no time of its own
	Made       Made
}

// View shows a snapshot of the store as a directory tree:
//
//	README.md  images  images.json  by-id  dangling/ID  HOST[:PORT]/REPO…/TAG  …/TAG@OS-ARCH[-VARIANT]
//
// A tag is a symlink to by-id/ID with the time it was last given to another image. An image of another platform than
// the tag's own stands beside it. A tag that has the name of a child repository is listed as ":TAG", and so is whatever
// else finds its name taken.
//
// What docker's users type resolves too, unlisted, as a symlink to the listed path: see alias.go.
//
// A link that leads out of the tree, as by-id does and every tag through it, is what Stat and Open find at the end:
// they answer with the link itself.
type View struct {
	snap  *store.Snapshot
	mount Mount
	root  *node
	tags  map[string]string // the listed path of a reference with a tag, by its name
	repos map[string]string // the listed path of a repository, by its name
}

var (
	_ fs.ReadDirFS  = (*View)(nil)
	_ fs.ReadLinkFS = (*View)(nil)
	_ fs.StatFS     = (*View)(nil)
)

// NewView builds the view of a snapshot.
func NewView(snap *store.Snapshot, m Mount) *View {
	b := &builder{
		View: &View{
			snap: snap, mount: m,
			root: newDir(".", m.Time), tags: make(map[string]string), repos: make(map[string]string),
		},
		parsed: parseAll(snap.References),
	}
	b.fixed()
	b.repositories()
	b.addTags()
	b.addDangling()
	b.addTemporary()
	b.root.finish()
	return b.View
}

// Lstat describes a listed or unlisted path.
func (v *View) Lstat(name string) (fs.FileInfo, error) {
	n, err := v.find("lstat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ReadLink returns a symlink's target, relative to its directory, or absolute for by-id.
func (v *View) ReadLink(name string) (string, error) {
	n, err := v.find("readlink", name)
	if err != nil {
		return "", err
	}
	if !n.isLink() {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return n.target, nil
}

// Stat is Lstat of what the path leads to.
func (v *View) Stat(name string) (fs.FileInfo, error) {
	n, err := v.follow("stat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ReadDir lists a directory, sorted by name.
func (v *View) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := v.follow("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	return n.sorted, nil
}

// Open opens what the path leads to.
func (v *View) Open(name string) (fs.File, error) {
	n, err := v.follow("open", name)
	if err != nil {
		return nil, err
	}
	return n.open(), nil
}

// find returns the node of a path whose directories are listed.
func (v *View) find(op, name string) (*node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if n := v.listed(name); n != nil {
		return n, nil
	}
	dir, base := path.Split(name)
	dir = path.Clean(dir)
	if d := v.listed(dir); d != nil && d.IsDir() {
		if n := v.alias(dir, base); n != nil {
			return n, nil
		}
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// meant finds what a path names and where that is listed: of an alias of a tag, the tag.
func (v *View) meant(name string) (*node, string, error) {
	n, err := v.find("lstat", name)
	if err != nil || n.kind != aliasLink {
		return n, name, err
	}
	to := path.Join(path.Dir(name), n.target)
	if tag := v.listed(to); tag != nil && tag.isLink() {
		return tag, to, nil
	}
	return n, name, nil
}

// listed returns the listed node at path, or nil.
func (v *View) listed(name string) *node {
	n := v.root
	if name == "." {
		return n
	}
	for part := range strings.SplitSeq(name, "/") {
		if n = n.child[part]; n == nil {
			return nil
		}
	}
	return n
}

// follow is find, followed by as many symlinks as lead to a path of the tree. An alias is the only such link, and leads
// to a listed path.
func (v *View) follow(op, name string) (*node, error) {
	n, err := v.find(op, name)
	if err != nil || !n.isLink() || filepath.IsAbs(n.target) {
		return n, err
	}
	if target := v.listed(path.Join(path.Dir(name), n.target)); target != nil {
		return target, nil
	}
	return n, nil
}
