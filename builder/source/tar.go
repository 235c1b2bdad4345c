package source

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/archive"
)

// Tar is the files of a tar, kept in a file without a name for as long as they are needed.
type Tar struct {
	table
	spool  *os.File
	places map[string]place
}

type place struct{ offset, size int64 }

// OpenTar reads a tar, which may be compressed, to its end. Its files belong to root, as in docker's contexts.
func OpenTar(r io.Reader) (*Tar, error) {
	content, end, err := archive.Decompress(r)
	if err != nil {
		return nil, err
	}
	defer end()
	t := &Tar{places: map[string]place{}}
	t.table = *newTable(t.read)
	if t.spool, err = spool(); err != nil {
		return nil, err
	}
	if err := t.fill(tar.NewReader(content)); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// spool is a file that goes with its descriptor.
func spool() (*os.File, error) {
	f, err := os.CreateTemp("", "imagefs-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

func (t *Tar) Close() error { return t.spool.Close() }

func (t *Tar) fill(r *tar.Reader) error {
	for offset := int64(0); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Join(".", path.Clean("/" + h.Name)[1:])
		if h.Typeflag == tar.TypeLink {
			if err := t.link(name, path.Clean("/" + h.Linkname)[1:]); err != nil {
				return err
			}
			continue
		}
		f := FileOf(h)
		if f == nil {
			continue
		}
		f.UID, f.GID, f.Xattrs = 0, 0, nil
		if f.IsRegular() {
			if _, err := io.Copy(t.spool, r); err != nil {
				return err
			}
			t.places[name] = place{offset, h.Size}
			offset += h.Size
		}
		t.add(name, f)
	}
}

func (t *Tar) link(name, to string) error {
	f := t.files[to]
	if f == nil {
		return fmt.Errorf("%s is a hard link to %s, which is not in the archive", name, to)
	}
	if f.Inode == nil {
		f.Inode = to
	}
	t.places[name] = t.places[to]
	t.add(name, f)
	return nil
}

func (t *Tar) read(name string) (io.ReadCloser, error) {
	p, ok := t.places[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return io.NopCloser(io.NewSectionReader(t.spool, p.offset, p.size)), nil
}

// FileOf is the file that an entry of a tar is; nil if it is none.
func FileOf(h *tar.Header) *File {
	f := &File{Mode: uint32(h.Mode & 0o7777), UID: h.Uid, GID: h.Gid, ModTime: h.ModTime}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		f.Mode |= unix.S_IFREG
		f.Size = h.Size
	case tar.TypeDir:
		f.Mode |= unix.S_IFDIR
	case tar.TypeSymlink:
		f.Mode |= unix.S_IFLNK
		f.Link = h.Linkname
	case tar.TypeChar:
		f.Mode |= unix.S_IFCHR
	case tar.TypeBlock:
		f.Mode |= unix.S_IFBLK
	case tar.TypeFifo:
		f.Mode |= unix.S_IFIFO
	default:
		return nil
	}
	f.Rdev = unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))
	for key, value := range h.PAXRecords {
		const prefix = "SCHILY.xattr."
		if len(key) > len(prefix) && key[:len(prefix)] == prefix {
			if f.Xattrs == nil {
				f.Xattrs = map[string]string{}
			}
			f.Xattrs[key[len(prefix):]] = value
		}
	}
	return f
}
