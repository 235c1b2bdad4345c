package conn

import (
	"sync/atomic"
	"unsafe"
)

// slot holds one request from the moment it is read until it is answered. One goroutine at a time owns it; what is
// atomic, others look at.
type slot struct {
	buffer      []byte  // where a request is read to; the first word is its length, 0 when there is none
	deaths      *uint32 // what the deaths that the request met weigh
	interrupted *uint64 // Unique of a request here that was interrupted; it may be one of before

	atWork    atomic.Uint64 // Unique of the request, once its handler is about to begin; 0 when there is none
	cancelled atomic.Uint64 // Unique of a request here whose handler knows that it was interrupted
}

func newSlot(memory []byte, size int) *slot {
	trailer := memory[len(memory)-trailerSize:]
	return &slot{
		buffer:      memory[:size],
		deaths:      word(trailer),
		interrupted: (*uint64)(unsafe.Pointer(&trailer[8])),
	}
}

// request is the one in the slot, nil if there is none.
func (s *slot) request() request {
	n := int(atomic.LoadUint32(word(s.buffer)))
	if n < inHeaderSize || n > len(s.buffer) {
		return nil
	}
	return request(s.buffer[:n])
}

// end empties the slot; its request has been answered.
func (s *slot) end() {
	s.atWork.Store(0)
	atomic.StoreUint32(word(s.buffer), 0)
}

// interrupt notes for a successor that the request unique was interrupted.
func (s *slot) interrupt(unique uint64) { atomic.StoreUint64(s.interrupted, unique) }

func word(b []byte) *uint32 { return (*uint32)(unsafe.Pointer(&b[0])) }

// clear makes the slot ready for read(2).
func (s *slot) clear() { atomic.StoreUint32(s.deaths, 0) }
