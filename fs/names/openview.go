package names

import (
	"bytes"
	"io"
	"io/fs"
	"syscall"
)

func (n *node) open() fs.File {
	switch {
	case n.IsDir():
		return &openDir{node: n}
	case n.isLink():
		return &openLink{n}
	}
	return &openFile{Reader: bytes.NewReader(n.content()), node: n}
}

type openFile struct {
	*bytes.Reader
	node *node
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openFile) Close() error               { return nil }

// openLink is a symlink that leads out of the tree. A read fails as open(2) does with O_NOFOLLOW.
type openLink struct{ node *node }

func (f *openLink) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *openLink) Close() error               { return nil }
func (f *openLink) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.node.name, Err: syscall.ELOOP}
}

type openDir struct {
	node *node
	done int // entries
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.node, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.node.name, Err: syscall.EISDIR}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := d.node.sorted[d.done:]
	if n > 0 {
		if len(rest) == 0 {
			return nil, io.EOF
		}
		rest = rest[:min(n, len(rest))]
	}
	d.done += len(rest)
	return append([]fs.DirEntry(nil), rest...), nil
}
