package layertest

import (
	"archive/tar"
	"bytes"
	"path"
	"testing"
	"time"
)

// Entry is one entry of a tar stream. Its header's Size is set from Body. Mode, owner, time, Format and PAXRecords may
// be changed before it is given to [Tar].
type Entry struct {
	tar.Header
	Body string
	// Raw, if it is not nil, stands in the stream instead of everything else.
	Raw []byte
}

// Time is the mtime of all entries that are not given another.
func Time() time.Time { return time.Unix(1234567890, 123456789) }

func entry(kind byte, name string, mode int64) Entry {
	return Entry{Header: tar.Header{Typeflag: kind, Name: name, Mode: mode, ModTime: Time(), Format: tar.FormatPAX}}
}

// File is a regular file with mode 0644.
func File(name, body string) Entry {
	e := entry(tar.TypeReg, name, 0o644)
	e.Body = body
	return e
}

// Dir is a directory with mode 0755.
func Dir(name string) Entry { return entry(tar.TypeDir, name+"/", 0o755) }

// Symlink is a symlink to target.
func Symlink(name, target string) Entry {
	e := entry(tar.TypeSymlink, name, 0o777)
	e.Linkname = target
	return e
}

// Link is a hard link to the entry that is called target.
func Link(name, target string) Entry {
	e := entry(tar.TypeLink, name, 0o644)
	e.Linkname = target
	return e
}

// Fifo is a named pipe with mode 0600.
func Fifo(name string) Entry { return entry(tar.TypeFifo, name, 0o600) }

// Char is a character device with mode 0600.
func Char(name string, major, minor int64) Entry {
	e := entry(tar.TypeChar, name, 0o600)
	e.Devmajor, e.Devminor = major, minor
	return e
}

// Block is a block device with mode 0600.
func Block(name string, major, minor int64) Entry {
	e := Char(name, major, minor)
	e.Typeflag = tar.TypeBlock
	return e
}

// Whiteout removes name from the layers below.
func Whiteout(name string) Entry {
	dir, base := path.Split(name)
	return File(dir+".wh."+base, "")
}

// Opaque hides what the layers below have in dir.
func Opaque(dir string) Entry { return File(path.Join(dir, ".wh..wh..opq"), "") }

// Global is a PAX global header with the given records.
func Global(records map[string]string) Entry {
	return Entry{Header: tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: records, Format: tar.FormatPAX}}
}

// WithXattr adds an extended attribute.
func (e Entry) WithXattr(name, value string) Entry {
	records := map[string]string{"SCHILY.xattr." + name: value}
	for k, v := range e.PAXRecords {
		records[k] = v
	}
	e.PAXRecords = records
	return e
}

// WithOwner sets the owner.
func (e Entry) WithOwner(uid, gid int) Entry {
	e.Uid, e.Gid = uid, gid
	return e
}

// WithMode sets the permission bits, setuid, setgid and sticky included.
func (e Entry) WithMode(mode int64) Entry {
	e.Mode = mode
	return e
}

// WithTime sets the mtime.
func (e Entry) WithTime(t time.Time) Entry {
	e.ModTime = t
	return e
}

// WithFormat sets the tar format; USTAR and GNU have no fractions of seconds, and lose them here.
func (e Entry) WithFormat(f tar.Format) Entry {
	e.Format = f
	if f != tar.FormatPAX {
		e.ModTime = e.ModTime.Truncate(time.Second)
	}
	return e
}

// Tar makes a tar stream with an end marker.
func Tar(t testing.TB, entries ...Entry) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, e := range entries {
		if e.Raw != nil {
			b.Write(e.Raw)
			continue
		}
		if e.Typeflag == tar.TypeReg {
			e.Size = int64(len(e.Body))
		}
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatalf("entry %q: %v", e.Name, err)
		}
		if _, err := w.Write([]byte(e.Body)); err != nil {
			t.Fatalf("entry %q: %v", e.Name, err)
		}
		if err := w.Flush(); err != nil {
			t.Fatalf("entry %q: %v", e.Name, err)
		}
	}
	b.Write(make([]byte, 1024))
	return b.Bytes()
}
