package names

import (
	"iter"
	"sync"
)

// Notifier tells the kernel to forget; [*conn.Server] is one.
type Notifier interface {
	InodeNotify(node uint64, off, n int64) error
}

// kernel is what the kernel may remember of the tree.
type kernel struct {
	conn Notifier   // nil before Connect, which is before the first request
	mu   sync.Mutex // guards view, and keeps notifications in order
	view *View      // the last one that it was told of
}

// Connect says how the kernel is reached. It is called before the first request is served.
func (f *FS) Connect(n Notifier) {
	f.kernel.conn = n
}

// TakeOver has the kernel forget what it may know of all links, because this server does not know what its predecessor
// had told.
func (f *FS) TakeOver() {
	f.kernel.mu.Lock()
	defer f.kernel.mu.Unlock()
	for path, link := range f.kernel.view.links() {
		f.forget(path, link)
	}
}

// Changed shows the store as it is now, and has the kernel forget what is no longer so. What is new needs no word: the
// kernel remembers neither listings nor that a name does not exist.
//
// The kernel is told of inodes, never of names. For a name it would take the lock of the directory, which it holds while
// it waits for the answer to a change in it; a server that is killed then could not end, because it waits for a lock that
// only its successor's answer sets free. A name that the kernel still knows for a second leads to an inode of which
// nothing is known any more; asked about it, this server answers ESTALE, and the kernel looks the name up anew. Before it
// makes a name it always does.
func (f *FS) Changed() {
	f.kernel.mu.Lock()
	defer f.kernel.mu.Unlock()
	old, view := f.kernel.view, f.view()
	if old == view {
		return
	}
	f.kernel.view = view
	for path, was := range old.links() {
		if now := view.listed(path); now == nil || now.target != was.target {
			f.forget(path, was)
		}
	}
	f.ids.retain(func(path string) bool {
		if f.files.Owns(path) {
			return f.files.Exists(path)
		}
		_, err := view.Lstat(path)
		return err == nil
	})
}

// forget has the kernel forget a link's attributes and target. That it does not know it is no error, and of others there
// is nobody to tell but the log. (The kernel takes the lock of the link's page, which it holds for READLINK alone.)
func (f *FS) forget(path string, link *node) {
	if f.kernel.conn == nil {
		return
	}
	if err := f.kernel.conn.InodeNotify(linkID(path, link.target), 0, 0); err != nil {
		f.log("telling the kernel of %s: %v", path, err)
	}
}

// links are the listed symlinks, by their paths.
func (v *View) links() iter.Seq2[string, *node] {
	return func(yield func(string, *node) bool) { v.root.links(".", yield) }
}

func (n *node) links(dir string, yield func(string, *node) bool) bool {
	for name, c := range n.child {
		at := join(dir, name)
		if c.isLink() && !yield(at, c) || c.IsDir() && !c.links(at, yield) {
			return false
		}
	}
	return true
}
