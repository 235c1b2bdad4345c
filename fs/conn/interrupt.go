package conn

import (
	"runtime"
	"sync/atomic"
	"time"
)

// watching is how often a thread is asked whether it has been told to stop; see heed.
const watching = 50 * time.Millisecond

// interrupt heeds an INTERRUPT. It returns false if the request that it is about is not at work (any more, or yet):
// go-fuse then answers EAGAIN, and the kernel asks again if it still waits.
func (s *Server) interrupt(r request) bool {
	unique, ok := r.interrupts()
	if !ok {
		return false
	}
	target := s.area.find(unique)
	if target == nil {
		return false
	}
	atomic.StoreUint64(target.interrupted, unique)
	if atomic.LoadUint32(target.begun) == 1 {
		s.heed(target, unique) // answerAgain does otherwise
	}
	return true
}

// heed tells the handler of an interrupted request, if the thread that waits for it is to stop. The kernel sends one
// INTERRUPT at the first signal, whatever its handler does: were a shell's write to fail because a job in its
// background has ended, nobody could use it. As there will not be another INTERRUPT, the thread is watched from then
// on.
func (s *Server) heed(at *slot, unique uint64) {
	r := at.request()
	if r == nil {
		return // answered by now
	}
	caller := r.caller()
	if s.ended.Load() || isToStop(caller) {
		s.cancel(at, unique)
		return
	}
	s.watchers.Go(func() {
		tick := time.NewTicker(watching)
		defer tick.Stop()
		for range tick.C {
			if at.atWork.Load() != unique {
				return
			}
			if s.ended.Load() || isToStop(caller) {
				s.cancel(at, unique)
				return
			}
		}
	})
}

// cancel closes the channel that the handler of the request unique watches, as soon as go-fuse knows the request; until
// then it lets other goroutines run. It returns, too, if the request has been answered.
func (s *Server) cancel(at *slot, unique uint64) {
	var none [outHeaderSize]byte
	for at.atWork.Load() == unique && at.cancelled.Load() != unique {
		n, _ := s.proto.HandleRequest([][]byte{interruptOf(unique)}, [][]byte{none[:]})
		if n == 0 {
			at.cancelled.Store(unique)
			return
		}
		runtime.Gosched()
	}
}

// cancelAll cancels all that is at work, and what will begin, because the connection has ended and nobody waits.
func (s *Server) cancelAll() {
	s.ended.Store(true)
	for _, at := range s.area.slots {
		unique := at.atWork.Load()
		if unique == 0 {
			continue
		}
		atomic.StoreUint64(at.interrupted, unique)
		if atomic.LoadUint32(at.begun) == 1 {
			s.cancel(at, unique)
		}
	}
}
