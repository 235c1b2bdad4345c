package tree

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
)

// table is a mapped table.
type table struct {
	header
	path string
	data []byte

	unmap runtime.Cleanup // of a table that nobody closes
}

func openTable(path string) (*table, error) {
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
	if size < blockSize || size%blockSize != 0 || int64(int(size)) != size {
		return nil, &layer.CorruptError{Path: path, Detail: "its size is not that of a tree"}
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: path, Err: err}
	}
	t := &table{path: path, data: data}
	t.unmap = runtime.AddCleanup(t, func(data []byte) { _ = unix.Munmap(data) }, data)
	if err := t.readHeader(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func (t *table) readHeader() (err error) {
	defer t.caught(t.catch(), &err)
	block, err := t.block(0)
	if err != nil {
		return err
	}
	h, ok := decodeHeader(block)
	if !ok {
		return t.corrupt("it is not a tree of this version")
	}
	if h.size() != int64(len(t.data)) {
		return t.corrupt("its size is not what its header says")
	}
	t.header = h
	return nil
}

func (t *table) close() error {
	t.unmap.Stop()
	return unix.Munmap(t.data)
}

func (t *table) corrupt(detail string) error {
	return &layer.CorruptError{Path: t.path, Detail: detail}
}

// block returns the data of a block after checking it.
func (t *table) block(i int) ([]byte, error) {
	block := t.data[i*blockSize:][:blockSize]
	if checksum(i, block[:blockData]) != binary.LittleEndian.Uint32(block[blockData:]) {
		return nil, t.corrupt("wrong checksum")
	}
	return block[:blockData], nil
}

// catch begins a call that reads the mapping: deferred together, as in
//
//	defer t.caught(t.catch(), &err)
//
// catch and caught make an error of the fault that a file causes which was truncated under its mapping.
func (t *table) catch() bool { return debug.SetPanicOnFault(true) }

func (t *table) caught(before bool, err *error) {
	debug.SetPanicOnFault(before)
	r := recover()
	if r == nil {
		return
	}
	fault, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok || fault.Addr()-uintptr(unsafe.Pointer(unsafe.SliceData(t.data))) >= uintptr(len(t.data)) {
		panic(r)
	}
	*err = t.corrupt("it cannot be read, or was truncated")
}

// record returns node i's record.
func (t *table) record(i int) (r record, err error) {
	defer t.caught(t.catch(), &err)
	c := cursor{table: t}
	return c.record(i)
}
