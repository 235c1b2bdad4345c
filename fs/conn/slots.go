package conn

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The header, whose words have the machine's byte order:
//
//	   0  format, 16 bytes
//	  16  number of slots, uint32
//	  20  bytes of a request, at most, uint32
//	 256  the answer to INIT; its first word, the length, is 0 until there is one
//	1024  handles to wake by NOTIFY_POLL, 384 uint64, 0 for none
//	4096  the INIT request as read, 8192 bytes; its first word, the length, is 0 until it came
//
// A slot is the request's bytes, rounded up to pages. Its last 16 bytes are: what the deaths weigh that the request was
// at work in, uint32; 1 if it was at work since the last one, uint32 (both set before a request is read); and, if the
// request was interrupted, its Unique, uint64.
const (
	format       = "imagefs slots 1\n"
	countOffset  = 16
	sizeOffset   = 20
	answerOffset = 256
	answerSize   = 256
	pollOffset   = 1024
	pollCount    = 384
	initOffset   = 4096
	headerSize   = initOffset + minReadBuffer
	trailerSize  = 16
)

// stride is the distance of two slots for requests of up to size bytes. On a machine of 64 KiB pages the slots still
// begin at multiples of 4096.
func stride(size int) int { return (size + trailerSize + 4095) &^ 4095 }

// possible tells whether there can be n slots for requests of up to size bytes.
func possible(n, size int) bool {
	return n >= 1 && n <= 1<<16 && size >= minReadBuffer && size <= 1<<24
}

// NewSlots makes the memfd for n requests of up to size bytes each. It is close-on-exec. size is at least 80 bytes
// more than the server's [fuse.MountOptions].MaxWrite, and at least 8192. Memory that no request has touched is not
// allocated.
func NewSlots(n, size int) (*os.File, error) {
	if !possible(n, size) {
		return nil, fmt.Errorf("%d slots of %d bytes: %w", n, size, unix.EINVAL)
	}
	fd, err := unix.MemfdCreate("imagefs-slots", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "imagefs-slots")
	header := make([]byte, sizeOffset+4)
	copy(header, format)
	order.PutUint32(header[countOffset:], uint32(n))
	order.PutUint32(header[sizeOffset:], uint32(size))
	_, err = f.WriteAt(header, 0)
	if err := errors.Join(err, f.Truncate(int64(headerSize+n*stride(size)))); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// area is a mapped memfd of slots.
type area struct {
	memory []byte
	slots  []*slot
	size   int // of a request, at most
}

func mapArea(f *os.File) (*area, error) {
	header := make([]byte, sizeOffset+4)
	if _, err := f.ReadAt(header, 0); err != nil {
		return nil, fmt.Errorf("slots: %w", err)
	}
	if !bytes.HasPrefix(header, []byte(format)) {
		return nil, fmt.Errorf("slots: their format is %q, and this server's %q", header[:len(format)], format)
	}
	n, size := int(order.Uint32(header[countOffset:])), int(order.Uint32(header[sizeOffset:]))
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	length := headerSize + n*stride(size)
	if !possible(n, size) || info.Size() != int64(length) {
		return nil, fmt.Errorf("slots: %d bytes for %d slots of %d", info.Size(), n, size)
	}
	memory, err := unix.Mmap(int(f.Fd()), 0, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	a := &area{memory: memory, slots: make([]*slot, n), size: size}
	for i := range a.slots {
		a.slots[i] = newSlot(memory[headerSize+i*stride(size):][:stride(size)], size)
	}
	a.populate()
	return a, nil
}

// populate maps the pages that small requests are read into. If a page is not there when a server is killed while the
// kernel copies a request to it, the request is lost, and its reader gets EIO.
func (a *area) populate() {
	page := os.Getpagesize()
	for i := -1; i < len(a.slots); i++ {
		from, to := 0, headerSize
		if i >= 0 {
			from = headerSize + i*stride(a.size)
			to = min(from+minReadBuffer, len(a.memory))
		}
		// Kernels before 5.14 do not know it, and lose one request in very many kills.
		unix.Madvise(a.memory[from&^(page-1):to], unix.MADV_POPULATE_WRITE)
	}
}

func (a *area) unmap() error { return unix.Munmap(a.memory) }

// init is where the INIT request is read to.
func (a *area) init() []byte { return a.memory[initOffset:headerSize] }

// answer is the saved answer to INIT, nil if there is none.
func (a *area) answer() []byte {
	saved := a.memory[answerOffset:][:answerSize]
	n := order.Uint32(saved)
	if n == 0 || n > answerSize {
		return nil
	}
	return saved[:n]
}

// saveAnswer keeps the answer to INIT, its length last.
func (a *area) saveAnswer(answer []byte) {
	saved := a.memory[answerOffset:][:answerSize]
	copy(saved[4:], answer[4:])
	atomic.StoreUint32(word(saved), uint32(len(answer)))
}

// pollHandles are the handles to wake by NOTIFY_POLL.
func (a *area) pollHandles() []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(&a.memory[pollOffset])), pollCount)
}

// find returns the slot in which the request unique is at work, or nil.
func (a *area) find(unique uint64) *slot {
	for _, s := range a.slots {
		if s.atWork.Load() == unique {
			return s
		}
	}
	return nil
}
