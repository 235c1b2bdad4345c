package conn

import (
	"encoding/binary"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Of the kernel's include/uapi/linux/fuse.h, what this package handles itself.
const (
	opForget      = 2
	opRead        = 15
	opWrite       = 16
	opInit        = 26
	opInterrupt   = 36
	opPoll        = 40
	opBatchForget = 42
	opStatx       = 52

	notifyPoll            = 1
	notifyInvalidateInode = 2
	notifyInvalidateEntry = 3
	notifyPrune           = 9

	pollScheduleNotify = 1

	inHeaderSize  = 40
	outHeaderSize = 16
	writeInSize   = 40
	minReadBuffer = 8192 // FUSE_MIN_READ_BUFFER: read(2) with less fails
)

var order = binary.NativeEndian

// request is a message from the kernel: struct fuse_in_header, and what follows.
type request []byte

func (r request) opcode() uint32 { return order.Uint32(r[4:]) }
func (r request) unique() uint64 { return order.Uint64(r[8:]) }
func (r request) node() uint64   { return order.Uint64(r[16:]) }
func (r request) caller() uint32 { return order.Uint32(r[32:]) } // a thread's id, 0 if it is not visible here
func (r request) body() []byte   { return r[inHeaderSize:] }

// interrupts tells which request an INTERRUPT is about.
func (r request) interrupts() (unique uint64, ok bool) {
	if r.opcode() != opInterrupt || len(r.body()) < 8 {
		return 0, false
	}
	return order.Uint64(r.body()), true
}

// wantsAnswer is false for what the kernel does not wait for.
func (r request) wantsAnswer() bool {
	op := r.opcode()
	return op != opForget && op != opBatchForget
}

// mayBlock is true for what a handler may leave unanswered for long.
func (r request) mayBlock() bool { return r.slowness() > 0 }

// slowness orders requests by how long their handlers may run.
func (r request) slowness() int {
	switch r.opcode() {
	case opRead:
		return 1
	case opWrite:
		return 2
	}
	return 0
}

// interruptOf makes the INTERRUPT that the kernel would send for a request.
func interruptOf(unique uint64) request {
	r := make(request, inHeaderSize+8)
	order.PutUint32(r, uint32(len(r)))
	order.PutUint32(r[4:], opInterrupt)
	order.PutUint64(r[8:], unique|1)
	order.PutUint64(r[inHeaderSize:], unique)
	return r
}

// putHeader writes struct fuse_out_header in front of an answer of n bytes altogether, and returns n.
func putHeader(out []byte, n int, unique uint64, status fuse.Status) int {
	order.PutUint32(out, uint32(n))
	order.PutUint32(out[4:], uint32(-int32(status)))
	order.PutUint64(out[8:], unique)
	return n
}

// putError writes an answer that is only an errno.
func putError(out []byte, unique uint64, status fuse.Status) int {
	return putHeader(out, outHeaderSize, unique, status)
}

// errnoOf is the errno of an answer.
func errnoOf(answer []byte) syscall.Errno { return syscall.Errno(-int32(order.Uint32(answer[4:]))) }
