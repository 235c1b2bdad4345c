package container

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// archiver writes what is in directories as a tar, sorted by name, of which the same files always give the same bytes.
// It has names, modes, owners' numbers, times in nanoseconds, hard links, devices and portable extended attributes, and
// no sockets.
type archiver struct {
	*tar.Writer
	ctx   context.Context
	links map[inode]string // the first name of each file that has several
	marks marks
}

// marks are what stands in an archive for what the directory says without a file.
type marks interface {
	// entry writes what stands for e under path, if anything does, in place of e.
	entry(w *archiver, e *entry, dir string) (done bool, err error)
	// directory writes what precedes the entries of d; e and path are d's.
	directory(w *archiver, d directory, e *entry, path string) error
}

// noMarks are those of a directory that says all with files.
type noMarks struct{}

func (noMarks) entry(*archiver, *entry, string) (bool, error)        { return false, nil }
func (noMarks) directory(*archiver, directory, *entry, string) error { return nil }

type inode struct{ dev, ino uint64 }

func newArchiver(ctx context.Context, to io.Writer, m marks) *archiver {
	return &archiver{tar.NewWriter(to), ctx, map[inode]string{}, m}
}

// directory writes what is in d, whose path ends with a slash unless it is the root.
func (w *archiver) directory(d directory, path string) error {
	entries, err := d.entries()
	if err != nil {
		return err
	}
	for i := range entries {
		if err := w.ctx.Err(); err != nil {
			return context.Cause(w.ctx)
		}
		if err := w.entry(d, &entries[i], path, entries[i].name); err != nil {
			return err
		}
	}
	return nil
}

// entry writes an entry of d, as name in the directory path.
func (w *archiver) entry(d directory, e *entry, path, name string) error {
	if done, err := w.marks.entry(w, e, path); done || err != nil {
		return err
	}
	if e.fileType() == unix.S_IFSOCK {
		return nil
	}
	h, err := header(d, e, path+name)
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

// below writes a directory and what is in it.
func (w *archiver) below(d directory, e *entry, h *tar.Header) error {
	below, err := d.open(e.name)
	if err != nil {
		return err
	}
	defer below.Close()
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if err := w.marks.directory(w, below, e, h.Name); err != nil {
		return err
	}
	return w.directory(below, h.Name)
}

// firstName returns the name under which a file was written before; "" if it was not.
func (w *archiver) firstName(e *entry, name string) string {
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

func (w *archiver) file(d directory, e *entry, h *tar.Header) error {
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
		return fmt.Errorf("%s: %w", h.Name, err)
	}
	return nil
}

// header describes an entry as tar does.
func header(d directory, e *entry, path string) (*tar.Header, error) {
	s := &e.stat
	h := &tar.Header{
		Format: tar.FormatPAX, Name: path, Mode: int64(s.Mode &^ unix.S_IFMT), Uid: int(s.Uid), Gid: int(s.Gid),
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
		h.PAXRecords[xattrRecord+name] = string(value)
	}
	return h, err
}

// xattrRecord is the prefix of the PAX records of extended attributes.
const xattrRecord = "SCHILY.xattr."

func mtime(e *entry) time.Time { return time.Unix(e.stat.Mtim.Sec, e.stat.Mtim.Nsec) }
