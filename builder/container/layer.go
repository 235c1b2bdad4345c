package container

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What the OCI image specification's layer.md calls whiteouts.
const (
	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
)

// WriteLayer writes what was changed as a layer: an uncompressed tar, sorted by name, of which the same upper directory
// always gives the same bytes. It has what docker's has: every entry of the upper directory but its root and sockets,
// whiteouts, opaque markers and hard links; and, beyond docker's, nanoseconds and all extended attributes but overlayfs's
// and those of security modules.
func (c *Container) WriteLayer(ctx context.Context, to io.Writer) error {
	upper, err := c.openUpper()
	if err != nil {
		return err
	}
	defer upper.Close()
	w := layerWriter{ctx: ctx, Writer: tar.NewWriter(to), links: map[inode]string{}}
	if err := w.directory(upper, ""); err != nil {
		return err
	}
	return w.Close()
}

type inode struct{ dev, ino uint64 }

type layerWriter struct {
	*tar.Writer
	ctx   context.Context
	links map[inode]string // the first name of each file that has several
}

// directory writes what is in d, whose path ends with a slash unless it is the root.
func (w *layerWriter) directory(d directory, path string) error {
	entries, err := d.entries()
	if err != nil {
		return err
	}
	for i := range entries {
		if err := w.ctx.Err(); err != nil {
			return context.Cause(w.ctx)
		}
		if err := w.entry(d, &entries[i], path); err != nil {
			return err
		}
	}
	return nil
}

func (w *layerWriter) entry(d directory, e *entry, path string) error {
	switch {
	case e.isWhiteout():
		return w.whiteout(path+whiteoutPrefix+e.name, e)
	case strings.HasPrefix(e.name, whiteoutPrefix):
		return &NameError{Path: "/" + path + e.name}
	case e.fileType() == unix.S_IFSOCK:
		return nil
	}
	h, err := header(d, e, path)
	if err != nil {
		return err
	}
	if e.isDir() {
		return w.below(d, e, h)
	}
	if first := w.firstName(e, h.Name); first != "" {
		h.Typeflag, h.Linkname, h.Size, h.PAXRecords = tar.TypeLink, first, 0, nil
	}
	if h.Typeflag != tar.TypeReg {
		return w.WriteHeader(h)
	}
	return w.file(d, e, h)
}

// NameError is a file whose name a layer would take for a whiteout.
type NameError struct{ Path string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%s cannot be in a layer: names that begin with %q say what is removed", e.Path, whiteoutPrefix)
}

// whiteout writes an empty file that has the rest from e.
func (w *layerWriter) whiteout(path string, e *entry) error {
	return w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Format: tar.FormatPAX, Name: path, Mode: 0o600, ModTime: mtime(e),
		Uid: int(e.stat.Uid), Gid: int(e.stat.Gid),
	})
}

// below writes a directory and what is in it, after the marker that hides what the image has there.
func (w *layerWriter) below(d directory, e *entry, h *tar.Header) error {
	below, err := d.open(e.name)
	if err != nil {
		return err
	}
	defer below.Close()
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	opaque, err := below.isOpaque()
	if err != nil {
		return err
	}
	if opaque {
		if err := w.whiteout(h.Name+opaqueMarker, e); err != nil {
			return err
		}
	}
	return w.directory(below, h.Name)
}

// firstName returns the name under which a file was written before; "" if it was not.
func (w *layerWriter) firstName(e *entry, name string) string {
	if e.stat.Nlink < 2 {
		return ""
	}
	id := inode{e.stat.Dev, e.stat.Ino}
	if first := w.links[id]; first != "" {
		return first
	}
	w.links[id] = name
	return ""
}

func (w *layerWriter) file(d directory, e *entry, h *tar.Header) error {
	f, err := d.openFile(e.name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if _, err := io.CopyN(w, f, h.Size); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%s became shorter while it was read: %w", h.Name, err)
	}
	return nil
}

// header describes an entry as tar does.
func header(d directory, e *entry, path string) (*tar.Header, error) {
	s := &e.stat
	h := &tar.Header{
		Format: tar.FormatPAX, Name: path + e.name, Mode: int64(s.Mode &^ unix.S_IFMT), Uid: int(s.Uid), Gid: int(s.Gid),
		ModTime: mtime(e),
	}
	var err error
	switch e.fileType() {
	case unix.S_IFREG:
		h.Typeflag, h.Size = tar.TypeReg, s.Size
	case unix.S_IFDIR:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	case unix.S_IFLNK:
		h.Typeflag = tar.TypeSymlink
		h.Linkname, err = d.readlink(e.name)
	case unix.S_IFCHR, unix.S_IFBLK:
		h.Typeflag = tar.TypeChar
		if e.fileType() == unix.S_IFBLK {
			h.Typeflag = tar.TypeBlock
		}
		h.Devmajor, h.Devminor = int64(unix.Major(s.Rdev)), int64(unix.Minor(s.Rdev))
	case unix.S_IFIFO:
		h.Typeflag = tar.TypeFifo
	}
	if err != nil {
		return nil, err
	}
	names, err := d.xattrNames(e.name)
	for _, name := range names {
		value, err := d.xattr(e.name, name)
		if err != nil {
			return nil, err
		}
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords["SCHILY.xattr."+name] = string(value)
	}
	return h, err
}

func mtime(e *entry) time.Time { return time.Unix(e.stat.Mtim.Sec, e.stat.Mtim.Nsec) }
