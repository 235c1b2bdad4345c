package layer

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// draft is an index that is not sealed yet, mapped without checks.
type draft struct {
	header
	file   *os.File
	data   []byte
	starts [sectionCount]int64
}

func openDraft(f *os.File, h *header) (*draft, error) {
	starts, end := h.offsets()
	data, err := unix.Mmap(int(f.Fd()), 0, int(end), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: f.Name(), Err: err}
	}
	return &draft{header: *h, file: f, data: data, starts: starts}, nil
}

func (d *draft) close() error { return unix.Munmap(d.data) }

func (d *draft) recordAt(i int) int64 { return d.starts[sectionEntries] + int64(i)*recordSize }

func (d *draft) record(i int) record { return decodeRecord(d.data[d.recordAt(i):]) }

func (d *draft) put(i int, r *record) error {
	_, err := d.file.WriteAt(r.append(nil), d.recordAt(i))
	return err
}

func (d *draft) string(at int64) []byte {
	b := d.data[d.starts[sectionStrings]+at:]
	return b[2 : 2+binary.LittleEndian.Uint16(b)]
}

// appendName appends an entry's name.
func (d *draft) appendName(b []byte, r *record) []byte {
	if r.dir != 0 {
		b = append(append(b, d.string(int64(r.dir))...), '/')
	}
	return append(b, d.string(int64(r.base))...)
}

// named tells whether an entry's name is name.
func (d *draft) named(i int, name []byte) bool {
	r := d.record(i)
	base := d.string(int64(r.base))
	if r.dir == 0 {
		return string(name) == string(base)
	}
	dir := d.string(int64(r.dir))
	n := len(dir)
	return len(name) == n+1+len(base) && string(name[:n]) == string(dir) && name[n] == '/' &&
		string(name[n+1:]) == string(base)
}
