package copying

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/builder/source"
)

// Times are the times of files in a layer.
type Times struct {
	Now time.Time // of directories that nothing else gives a time
	// Latest, unless it is zero, is that of files that would be later.
	Latest time.Time
}

// WriteLayer writes the layer that puts what was found over the files below, as an uncompressed tar.
func (f *Found) WriteLayer(ctx context.Context, below source.Tree, times Times, to io.Writer) error {
	if f.Link {
		below = directoriesOf{below}
	}
	w := &writer{
		Writer: tar.NewWriter(to), ctx: ctx, copy: &f.Copy, times: times,
		view: view{Tree: below, made: map[string]*source.File{}}, links: map[any]string{},
	}
	for i := range f.roots {
		if err := w.root(&f.roots[i], f.intoDir()); err != nil {
			return err
		}
	}
	return w.Close()
}

// WriteDirectory writes the layer that makes a directory, and those that lead to it, where they are not there.
func WriteDirectory(dir string, owner Owner, below source.Tree, times Times, to io.Writer) error {
	w := &writer{
		Writer: tar.NewWriter(to), copy: &Copy{Owner: &owner}, times: times,
		view: view{Tree: below, made: map[string]*source.File{}},
	}
	real, file, err := source.Resolve(&w.view, dir)
	if err != nil {
		return err
	}
	if file != nil && !file.IsDir() {
		return fmt.Errorf("cannot mkdir: %s is not a directory", dir)
	}
	if err := w.mkdirAll(real); err != nil {
		return err
	}
	return w.Close()
}

// view is the files below, with those that were written over them.
type view struct {
	source.Tree
	made map[string]*source.File
}

func (v *view) Lstat(name string) (*source.File, error) {
	if f := v.made[name]; f != nil {
		return f, nil
	}
	return v.Tree.Lstat(name)
}

// directoriesOf is the directories of a tree: all that --link knows of what is there.
type directoriesOf struct{ source.Tree }

func (d directoriesOf) Lstat(name string) (*source.File, error) {
	f, err := d.Tree.Lstat(name)
	if err == nil && !f.IsDir() {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	return f, err
}

type writer struct {
	*tar.Writer
	ctx   context.Context
	copy  *Copy
	times Times
	view  view
	links map[any]string // the first name of each file that has several
}

// root writes one source.
func (w *writer) root(r *root, intoDir bool) error {
	dest, there, err := source.Resolve(&w.view, w.copy.Dest)
	if err != nil {
		return err
	}
	w.links = map[any]string{}
	switch {
	case w.copy.Parents:
		return w.withParents(r, dest)
	case r.file.IsDir():
		if there != nil && !there.IsDir() {
			return fmt.Errorf("cannot copy to non-directory: /%s", dest)
		}
		if err := w.mkdirAll(dest); err != nil {
			return err
		}
		return w.entries(r, dest)
	case r.item.Unpack && r.file.IsRegular():
		if done, err := w.unpack(r, dest); done || err != nil {
			return err
		}
	}
	if intoDir || there != nil && there.IsDir() {
		if there != nil && !there.IsDir() {
			return fmt.Errorf("cannot copy to non-directory: /%s", dest)
		}
		dest = path.Join(dest, r.base)
	}
	if err := w.mkdirAll(path.Dir(dest)); err != nil {
		return err
	}
	return w.put(r, ".", dest, r.file)
}

// withParents writes a source below the directories that lead to it.
func (w *writer) withParents(r *root, dest string) error {
	if err := w.mkdirAll(dest); err != nil {
		return err
	}
	at, parts := dest, strings.Split(r.to, "/")
	up := strings.Split(path.Clean(r.name), "/")
	for i, part := range parts[:len(parts)-1] {
		at = path.Join(at, part)
		if f, err := w.view.Lstat(at); err == nil && f.IsDir() {
			continue
		}
		from := path.Join(up[:max(0, len(up)-len(parts)+1+i)]...)
		dir, err := r.item.Tree.Lstat(path.Join(".", from))
		if err != nil || !dir.IsDir() {
			dir = &source.File{Mode: unix.S_IFDIR | 0o755, ModTime: w.times.Now}
		}
		if err := w.write(at, dir, nil); err != nil {
			return err
		}
	}
	at = path.Join(dest, r.to)
	if !r.file.IsDir() {
		return w.put(r, ".", at, r.file)
	}
	if r.to != "." {
		if err := w.put(r, ".", at, r.file); err != nil {
			return err
		}
	}
	return w.entries(r, at)
}

// entries writes what is in a directory.
func (w *writer) entries(r *root, dest string) error {
	for _, e := range r.below {
		if err := w.ctx.Err(); err != nil {
			return context.Cause(w.ctx)
		}
		if err := w.put(r, e.name, path.Join(dest, e.name), e.file); err != nil {
			return err
		}
	}
	return nil
}

// mkdirAll makes a directory and those that lead to it, where they are not there. No component is a symlink.
func (w *writer) mkdirAll(dir string) error {
	if dir == "." {
		return nil
	}
	if f, err := w.view.Lstat(dir); err == nil {
		if !f.IsDir() {
			return fmt.Errorf("cannot copy to non-directory: /%s", dir)
		}
		return nil
	}
	if err := w.mkdirAll(path.Dir(dir)); err != nil {
		return err
	}
	f := &source.File{Mode: unix.S_IFDIR | 0o755, ModTime: w.times.Now}
	return w.header(dir, f, w.owned(0, 0), 0o755, nil)
}

func (w *writer) owned(uid, gid int) Owner {
	if w.copy.Owner != nil {
		return *w.copy.Owner
	}
	return Owner{uid, gid}
}

// put writes a file of a source.
func (w *writer) put(r *root, name, dest string, f *source.File) error {
	there, err := w.view.Lstat(dest)
	switch {
	case err != nil: // nothing is there
	case f.IsDir() && !there.IsDir():
		return fmt.Errorf("cannot copy to non-directory: /%s", dest)
	case !f.IsDir() && there.IsDir():
		return fmt.Errorf("cannot replace to directory /%s with file", dest)
	}
	if f.Inode != nil {
		if first := w.links[f.Inode]; first != "" {
			return w.link(f, &tar.Header{
				Name: dest, Linkname: first, ModTime: w.clamp(f.ModTime),
				Mode: int64(f.Mode & 0o7777), Uid: w.owned(f.UID, f.GID).UID, Gid: w.owned(f.UID, f.GID).GID,
			})
		}
		w.links[f.Inode] = dest
	}
	if !f.IsRegular() {
		return w.write(dest, f, nil)
	}
	content, err := r.item.Tree.Open(path.Join(r.name, name))
	if err != nil {
		return err
	}
	defer content.Close()
	return w.write(dest, f, content)
}

// link writes another name of a file that is there; h has all but its type.
func (w *writer) link(f *source.File, h *tar.Header) error {
	if err := checkName(h.Name); err != nil {
		return err
	}
	w.view.made[h.Name] = f
	h.Format, h.Typeflag = tar.FormatPAX, tar.TypeLink
	return w.WriteHeader(h)
}

// write writes a file with the owner and the mode that it is to have.
func (w *writer) write(dest string, f *source.File, content io.Reader) error {
	return w.writeAs(dest, f, w.owned(f.UID, f.GID), content)
}

func (w *writer) writeAs(dest string, f *source.File, o Owner, content io.Reader) error {
	mode := f.Mode & 0o7777
	if w.copy.Mode != nil && !f.IsSymlink() {
		mode = w.copy.Mode.apply(mode, f.IsDir())
	}
	return w.header(dest, f, o, mode, content)
}

// NameError is a file whose name a layer would take for a whiteout.
type NameError struct{ Path string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%s cannot be in a layer: names that begin with %q say what is removed", e.Path, whiteoutPrefix)
}

// whiteoutPrefix begins what the OCI image specification's layer.md calls a whiteout.
const whiteoutPrefix = ".wh."

func checkName(dest string) error {
	if strings.HasPrefix(path.Base(dest), whiteoutPrefix) {
		return &NameError{"/" + dest}
	}
	return nil
}

func (w *writer) header(dest string, f *source.File, o Owner, mode uint32, content io.Reader) error {
	h := &tar.Header{
		Format: tar.FormatPAX, Name: dest, Mode: int64(mode), Uid: o.UID, Gid: o.GID, ModTime: w.clamp(f.ModTime),
	}
	switch f.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		h.Typeflag, h.Size = tar.TypeReg, f.Size
	case unix.S_IFDIR:
		h.Typeflag, h.Name = tar.TypeDir, dest+"/"
	case unix.S_IFLNK:
		h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
	case unix.S_IFCHR, unix.S_IFBLK:
		h.Typeflag = tar.TypeChar
		if f.Mode&unix.S_IFMT == unix.S_IFBLK {
			h.Typeflag = tar.TypeBlock
		}
		h.Devmajor, h.Devminor = int64(unix.Major(f.Rdev)), int64(unix.Minor(f.Rdev))
	case unix.S_IFIFO:
		h.Typeflag = tar.TypeFifo
	default:
		return nil // a socket
	}
	if err := checkName(dest); err != nil {
		return err
	}
	for key, value := range f.Xattrs {
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords[xattrRecord+key] = value
	}
	w.view.made[dest] = f
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	if _, err := io.CopyN(w, content, f.Size); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("/%s: %w", dest, err)
	}
	return nil
}

// clamp is a time that is not too late.
func (w *writer) clamp(t time.Time) time.Time {
	if !w.times.Latest.IsZero() && t.After(w.times.Latest) {
		return w.times.Latest
	}
	return t
}

// xattrRecord begins the name of the PAX record of an extended attribute.
const xattrRecord = "SCHILY.xattr."
