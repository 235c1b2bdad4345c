package layer

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"
)

// index is a mapped index file. What its methods return is checked, and is only to be used before the method of Layer
// that asked for it returns: see guard.
type index struct {
	header
	path   string
	data   []byte // the whole file
	end    int64  // of the blocks, where the checksums begin
	starts [sectionCount]int64
	unmap  runtime.Cleanup // of an index that nobody closes
}

func openIndex(path string) (x *index, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if size == 0 || size%(indexBlock+4) != 0 {
		return nil, &CorruptError{path, fmt.Sprintf("an index has no %d bytes", size)}
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	x = &index{path: path, data: data, end: size / (indexBlock + 4) * indexBlock}
	x.unmap = runtime.AddCleanup(x, func(data []byte) { _ = unix.Munmap(data) }, data)
	if err := x.readHeader(); err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

func (x *index) close() error {
	x.unmap.Stop()
	return unix.Munmap(x.data)
}

func (x *index) release() { _ = unix.Madvise(x.data, unix.MADV_DONTNEED) } // advice, as it says

func (x *index) readHeader() (err error) {
	defer x.guard(debug.SetPanicOnFault(true), &err)
	b, err := x.bytes(0, headerSize)
	if err != nil {
		return err
	}
	h, detail := decodeHeader(b)
	if detail != "" {
		return x.corrupt("%s", detail)
	}
	starts, end := h.offsets()
	if end != x.end {
		return x.corrupt("its sections do not fill it")
	}
	x.header, x.starts = h, starts
	return x.checkLengths()
}

func (x *index) checkLengths() error {
	segments, tarSums := x.payloads, blocks(x.tarSplit)
	if x.inBlob() {
		segments, tarSums = 0, blocks(x.tar)
	}
	for section, want := range map[int]int64{
		sectionEntries:  x.entries * recordSize,
		sectionDigests:  x.payloads * 32,
		sectionSegments: segments * segmentSize,
		sectionTarSums:  tarSums * 4,
	} {
		if x.lengths[section] != want {
			return x.corrupt("its counts and its sections disagree")
		}
	}
	return nil
}

// guard is deferred by whoever reads the map, with what debug.SetPanicOnFault(true) returned. It turns a fault, which
// means that the file was truncated or cannot be read, into a *CorruptError.
func (x *index) guard(panicOnFault bool, err *error) {
	debug.SetPanicOnFault(panicOnFault)
	r := recover()
	if r == nil {
		return
	}
	if fault, ok := r.(interface{ Addr() uintptr }); !ok || !x.holds(fault.Addr()) {
		panic(r)
	}
	*err = x.corrupt("it cannot be read to its end")
}

func (x *index) holds(addr uintptr) bool {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(x.data)))
	return addr >= start && addr-start < uintptr(len(x.data))
}

func (x *index) corrupt(format string, args ...any) error {
	return &CorruptError{Path: x.path, Detail: fmt.Sprintf(format, args...)}
}

// bytes returns n bytes at off after checking the blocks they are in.
func (x *index) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > x.end-n {
		return nil, x.corrupt("something in it points outside")
	}
	for at := off / indexBlock * indexBlock; at < off+n; at += indexBlock {
		want := binary.LittleEndian.Uint32(x.data[x.end+at/indexBlock*4:])
		if checksum(x.data[at:at+indexBlock]) != want {
			return nil, x.corrupt("wrong checksum at byte %d", at)
		}
	}
	return x.data[off : off+n], nil
}

// in is bytes within a section.
func (x *index) in(section int, off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > x.lengths[section]-n {
		return nil, x.corrupt("something in it points outside")
	}
	return x.bytes(x.starts[section]+off, n)
}

func (x *index) record(i int) (record, error) {
	if i < 0 || int64(i) >= x.entries {
		return record{}, fmt.Errorf("a layer of %d entries has no entry %d", x.entries, i)
	}
	b, err := x.in(sectionEntries, int64(i)*recordSize, recordSize)
	if err != nil {
		return record{}, err
	}
	return decodeRecord(b), nil
}

func (x *index) string(off int64) ([]byte, error) {
	b, err := x.in(sectionStrings, off, 2)
	if err != nil {
		return nil, err
	}
	return x.in(sectionStrings, off+2, int64(binary.LittleEndian.Uint16(b)))
}

func (x *index) name(r *record) (string, error) {
	base, err := x.string(int64(r.base))
	if err != nil || r.dir == 0 {
		return string(base), err
	}
	dir, err := x.string(int64(r.dir))
	if err != nil {
		return "", err
	}
	return string(dir) + "/" + string(base), nil
}

func (x *index) digest(payload uint32) (sum [32]byte, err error) {
	b, err := x.in(sectionDigests, int64(payload)*32, 32)
	if err != nil {
		return sum, err
	}
	return [32]byte(b), nil
}

func (x *index) segment(k int64) (segment, error) {
	b, err := x.in(sectionSegments, k*segmentSize, segmentSize)
	if err != nil {
		return segment{}, err
	}
	return decodeSegment(b), nil
}

// link returns a link's target, and the empty string for what is no link.
func (x *index) link(r *record) (string, error) {
	if !r.isLink() {
		return "", nil
	}
	b, err := x.string(r.link())
	return string(b), err
}
