package conn

import (
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// What deaths weigh. A request that its server crashes on is not tried a third time; but a request that takes minutes
// may meet any number of kills from outside, among them upgrades, without being their cause. (The kernel's killer of
// those who take too much memory looks like one of these, hence a limit.)
const (
	weightOfKill  = 1
	weightOfCrash = 128
	fatalWeight   = 256
)

// predecessorEnv is set by a [Holder] to one of these: how the server before ended.
const (
	predecessorEnv     = "IMAGEFS_PREDECESSOR"
	predecessorKilled  = "killed"  // by a signal from outside
	predecessorCrashed = "crashed" // everything else
)

// takeOver returns the requests that a predecessor has read and not answered. Interrupts among them are noted at the
// request they are about; if it is not there, it was answered.
func (s *Server) takeOver() map[*slot]request {
	weight := uint32(weightOfCrash)
	if os.Getenv(predecessorEnv) == predecessorKilled {
		weight = weightOfKill
	}
	left := map[*slot]request{}
	byUnique := map[uint64]*slot{}
	for _, at := range s.area.slots {
		if r := at.request(); r != nil && r.opcode() != opInterrupt {
			left[at] = r
			byUnique[r.unique()] = at
			atomic.AddUint32(at.deaths, weight)
		}
	}
	for _, at := range s.area.slots {
		r := at.request()
		if r == nil || left[at] != nil {
			continue
		}
		if unique, ok := r.interrupts(); ok && byUnique[unique] != nil {
			byUnique[unique].interrupt(unique)
		}
		at.end()
	}
	return left
}

// answerAgain handles a request that a predecessor has left, and interrupts it if it had been.
func (s *Server) answerAgain(at *slot, r request) {
	debug.SetPanicOnFault(true)
	if atomic.LoadUint32(at.deaths) >= fatalWeight {
		s.options.Fuse.Logger.Printf("request %d, opcode %d: servers have died of it; answered EIO", r.unique(), r.opcode())
		s.refuse(at, r, fuse.EIO)
		return
	}
	unique := r.unique()
	at.atWork.Store(unique)
	var interrupter sync.WaitGroup
	if atomic.LoadUint64(at.interrupted) == unique {
		interrupter.Go(func() { s.cancel(at, unique) })
	}
	b := s.buffers.Get().(*buffers)
	s.answer(at, r, b)
	s.buffers.Put(b)
	interrupter.Wait()
}
