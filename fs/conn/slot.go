package conn

import (
	"sync/atomic"
	"unsafe"
)

// slot holds one request from the moment it is read until it is answered. One goroutine at a time owns it; what is
// atomic, others look at.
type slot struct {
	buffer      []byte  // where a request is read to; the first word is its length, 0 when there is none
	deaths      *uint32 // what the deaths weigh that the request was at work in
	begun       *uint32 // 1 if this server, or the one that has just ended, has begun to answer the request
	interrupted *uint64 // Unique of a request here that was interrupted; it may be one of before

	atWork    atomic.Uint64 // Unique of the request, 0 when there is none
	cancelled atomic.Uint64 // Unique of a request here whose handler knows that it was interrupted
}

func newSlot(memory []byte, size int) *slot {
	trailer := memory[len(memory)-trailerSize:]
	return &slot{
		buffer:      memory[:size],
		deaths:      word(trailer),
		begun:       word(trailer[4:]),
		interrupted: (*uint64)(unsafe.Pointer(&trailer[8])),
	}
}

// request is the one in the slot, nil if there is none.
func (s *slot) request() request { return requestIn(s.buffer) }

// requestIn is the request that was read to a buffer, nil if its length is 0 or cannot be.
func requestIn(buffer []byte) request {
	n := int(atomic.LoadUint32(word(buffer)))
	if n < inHeaderSize || n > len(buffer) {
		return nil
	}
	return request(buffer[:n])
}

// clear makes the slot ready for read(2): what is said of a request holds for the next one.
func (s *slot) clear() {
	atomic.StoreUint32(s.deaths, 0)
	atomic.StoreUint32(s.begun, 1)
}

// end empties the slot; its request has been answered.
func (s *slot) end() {
	s.atWork.Store(0)
	atomic.StoreUint32(word(s.buffer), 0)
}

func word(b []byte) *uint32 { return (*uint32)(unsafe.Pointer(&b[0])) }
