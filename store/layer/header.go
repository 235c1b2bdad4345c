package layer

import (
	"github.com/vbatts/tar-split/archive/tar"
	"math"

	"golang.org/x/sys/unix"
)

// What Linux allows of a device number's halves.
const (
	maxMajor = 1<<12 - 1
	maxMinor = 1<<20 - 1
)

// entryOf normalises a header. ok is false for what is no entry of the layer.
func entryOf(h *tar.Header) (e Entry, xattrs []Xattr, ok bool, err error) {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return Entry{}, nil, false, nil
	}
	name, err := cleanName(h.Name)
	if err != nil || isAufs(name) {
		return Entry{}, nil, false, err
	}
	e.Name = name
	if e.Type, err = typeOf(h); err != nil {
		return Entry{}, nil, false, err
	}
	if name == "." && e.Type != Directory {
		return Entry{}, nil, false, refuse("the root of a layer is a directory")
	}
	if e.Attr, err = attrOf(h, e.Type); err != nil {
		return Entry{}, nil, false, err
	}
	removed, kind, err := whiteout(name)
	if err != nil {
		return Entry{}, nil, false, err
	}
	if kind != 0 {
		return Entry{Name: removed, Type: kind, Attr: e.Attr}, nil, true, nil
	}
	if e.Link, err = linkOf(h, e.Type); err != nil {
		return Entry{}, nil, false, err
	}
	xattrs, err = xattrsOf(h.PAXRecords)
	return e, xattrs, err == nil, err
}

func typeOf(h *tar.Header) (Type, error) {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		return Regular, nil
	case tar.TypeDir:
		return Directory, nil
	case tar.TypeSymlink:
		return Symlink, nil
	case tar.TypeLink:
		return HardLink, nil
	case tar.TypeChar:
		return Char, nil
	case tar.TypeBlock:
		return Block, nil
	case tar.TypeFifo:
		return Fifo, nil
	}
	return 0, refuse("entries of type %q are not supported", h.Typeflag)
}

func attrOf(h *tar.Header, t Type) (Attr, error) {
	for _, id := range []int{h.Uid, h.Gid} {
		if id < 0 || id >= math.MaxUint32 {
			return Attr{}, refuse("its owner %d:%d is out of range: ids go from 0 to %d", h.Uid, h.Gid, math.MaxUint32-1)
		}
	}
	a := Attr{
		Mode:  typeBits(t) | uint32(h.Mode)&0o7777,
		UID:   uint32(h.Uid),
		GID:   uint32(h.Gid),
		Nlink: 1,
		Sec:   h.ModTime.Unix(),
		Nsec:  uint32(h.ModTime.Nanosecond()),
	}
	switch t {
	case Regular:
		a.Size = h.Size
	case Symlink:
		a.Mode = unix.S_IFLNK | 0o777
		a.Size = int64(len(h.Linkname))
	case Char, Block:
		if h.Devmajor < 0 || h.Devmajor > maxMajor || h.Devminor < 0 || h.Devminor > maxMinor {
			return Attr{}, refuse("its device number %d:%d is out of range", h.Devmajor, h.Devminor)
		}
		a.Rdev = unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))
	}
	return a, nil
}

func typeBits(t Type) uint32 {
	switch t {
	case Directory:
		return unix.S_IFDIR
	case Char:
		return unix.S_IFCHR
	case Block:
		return unix.S_IFBLK
	case Fifo:
		return unix.S_IFIFO
	}
	return unix.S_IFREG
}

func linkOf(h *tar.Header, t Type) (string, error) {
	switch t {
	case HardLink:
		link, err := cleanName(h.Linkname)
		if err != nil {
			return "", linkRefusal(err)
		}
		return link, nil
	case Symlink:
		if h.Linkname == "" || len(h.Linkname) > maxPath {
			return "", refuse("the target of a symlink has %d bytes; Linux allows 1 to %d", len(h.Linkname), maxPath)
		}
		return h.Linkname, nil
	}
	return "", nil
}
