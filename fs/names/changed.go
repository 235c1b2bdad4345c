package names

import (
	"iter"
	"path"
	"sync"
)

// Notifier tells the kernel to forget; [*conn.Server] is one.
type Notifier interface {
	EntryNotify(node uint64, name string) error
	InodeNotify(node uint64, off, n int64) error
}

// kernel is what the kernel may remember of the tree.
type kernel struct {
	conn Notifier   // nil before Connect, which is before the first request
	mu   sync.Mutex // guards view, and keeps notifications in order; no handler of what locks a directory waits for it
	view *View      // the last one that it was told of
}

// Connect says how the kernel is reached. It is called before the first request is served.
func (f *FS) Connect(n Notifier) {
	f.kernel.conn = n
}

// TakeOver has the kernel forget all links, because this server does not know what its predecessor had told. It is
// called once requests are served: the kernel locks a directory that it looks up in, and a notification waits for that.
func (f *FS) TakeOver() {
	f.kernel.mu.Lock()
	defer f.kernel.mu.Unlock()
	for path, link := range f.kernel.view.links() {
		f.forget(path, link)
	}
}

// Changed shows the store as it is now, and has the kernel forget what is no longer so. What is new needs no word: the
// kernel remembers neither listings nor that a name does not exist. It must not be called from the handler of a request
// for which the kernel locks a directory.
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
			if now != nil {
				f.forget(path, now)
			}
		}
	}
	f.ids.retain(func(path string) bool {
		_, err := f.lstat(path)
		return err == nil
	})
}

// forget has the kernel forget a link. That it does not know it is no error, and of others there is nobody to tell but
// the log.
func (f *FS) forget(p string, link *node) {
	if f.kernel.conn == nil {
		return
	}
	err := f.kernel.conn.EntryNotify(hashID(path.Dir(p)), path.Base(p))
	if err == nil {
		err = f.kernel.conn.InodeNotify(linkID(p, link.target), 0, 0)
	}
	f.logged(p, err)
}

func (f *FS) logged(path string, err error) {
	if err != nil {
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
