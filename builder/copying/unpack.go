package copying

import (
	"archive/tar"
	"fmt"
	"io"
	"path"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/source"
	"github.com/imagefs/imagefs/store/archive"
)

// unpack writes what is in an archive; done is false if the file is none.
func (w *writer) unpack(r *root, dest string) (done bool, err error) {
	if ok, err := isArchive(r); !ok || err != nil {
		return false, err
	}
	content, err := r.item.Tree.Open(r.name)
	if err != nil {
		return true, err
	}
	defer content.Close()
	stream, end, err := archive.Decompress(content)
	if err != nil {
		return true, err
	}
	defer end()
	if err := w.mkdirAll(dest); err != nil {
		return true, err
	}
	for t := tar.NewReader(stream); ; {
		h, err := t.Next()
		if err == io.EOF {
			return true, nil
		}
		if err == nil {
			err = w.entry(h, dest, t)
		}
		if err != nil {
			return true, err
		}
	}
}

// isArchive tells whether a file is a tar, compressed or not: whether it begins with an entry, as docker has it.
func isArchive(r *root) (bool, error) {
	content, err := r.item.Tree.Open(r.name)
	if err != nil {
		return false, err
	}
	defer content.Close()
	stream, end, err := archive.Decompress(content)
	if err != nil {
		return false, nil // what cannot be decompressed is a file like others
	}
	defer end()
	_, err = tar.NewReader(stream).Next()
	return err == nil, nil
}

// entry writes an entry of an archive below dest, with its own owner and mode.
func (w *writer) entry(h *tar.Header, dest string, content io.Reader) error {
	name := path.Clean("/" + h.Name)[1:]
	if name == "" {
		return nil
	}
	dir, there, err := source.Resolve(&w.view, path.Join(dest, path.Dir(name)))
	if err != nil {
		return err
	}
	if there != nil && !there.IsDir() {
		return fmt.Errorf("cannot copy to non-directory: /%s", dir)
	}
	if err := w.mkdirAll(dir); err != nil {
		return err
	}
	at := path.Join(dir, path.Base(name))
	if h.Typeflag == tar.TypeLink {
		to := path.Join(dest, path.Clean("/" + h.Linkname)[1:])
		dir, _, err := source.Resolve(&w.view, path.Dir(to))
		if err != nil {
			return err
		}
		to = path.Join(dir, path.Base(to))
		f, err := w.view.Lstat(to)
		if err != nil {
			return err
		}
		return w.link(f, &tar.Header{Name: at, Linkname: to, ModTime: w.clamp(h.ModTime)})
	}
	f := source.FileOf(h)
	if f == nil {
		return nil
	}
	for key := range f.Xattrs {
		if key != "security.capability" {
			delete(f.Xattrs, key)
		}
	}
	if f.Mode&unix.S_IFMT == unix.S_IFREG {
		f.Size = h.Size
	}
	if w.copy.Unpacked != nil {
		f.UID, f.GID = w.copy.Unpacked.UID, w.copy.Unpacked.GID
	}
	return w.writeAs(at, f, Owner{f.UID, f.GID}, content)
}
