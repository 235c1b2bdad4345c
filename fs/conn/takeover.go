package conn

import (
	"cmp"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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

// patience is how long a request that may have been the cause of a crash runs alone: one that is the cause has crashed
// the server again by then, and only itself.
const patience = 50 * time.Millisecond

// predecessorEnv is set by a [Holder] to one of these: how the server before ended.
const (
	predecessorEnv     = "IMAGEFS_PREDECESSOR"
	predecessorKilled  = "killed"  // by a signal from outside
	predecessorCrashed = "crashed" // everything else
)

func predecessorWasKilled() bool { return os.Getenv(predecessorEnv) == predecessorKilled }

// takeOver returns the slots of requests that a predecessor has read and not answered. Interrupts among them are noted
// at the request they are about; if it is not there, it was answered.
func (s *Server) takeOver() []*slot {
	weight := uint32(weightOfCrash)
	if predecessorWasKilled() {
		weight = weightOfKill
	}
	var left, interrupts []*slot
	byUnique := map[uint64]*slot{}
	for _, at := range s.area.slots {
		r := at.request()
		switch {
		case r == nil:
		case r.opcode() == opInterrupt:
			interrupts = append(interrupts, at)
		default:
			left = append(left, at)
			byUnique[r.unique()] = at
			at.atWork.Store(r.unique())
			if atomic.SwapUint32(at.begun, 0) == 1 {
				atomic.AddUint32(at.deaths, weight)
			}
		}
	}
	for _, at := range interrupts {
		if unique, ok := at.request().interrupts(); ok && byUnique[unique] != nil {
			atomic.StoreUint64(byUnique[unique].interrupted, unique)
		}
		at.end()
	}
	return left
}

// answerLeft answers what a predecessor has left, and calls done for each: all at once if it was killed; after a crash
// with patience, what does not block first, and a WRITE last.
func (s *Server) answerLeft(left []*slot, done func(*slot, request)) *sync.WaitGroup {
	var handlers sync.WaitGroup
	answer := func(at *slot) <-chan struct{} {
		ended := make(chan struct{})
		handlers.Go(func() {
			defer close(ended)
			r := at.request()
			s.answerAgain(at, r)
			done(at, r)
		})
		return ended
	}
	if predecessorWasKilled() {
		for _, at := range left {
			answer(at)
		}
		return &handlers
	}
	slices.SortStableFunc(left, func(a, b *slot) int {
		return cmp.Compare(a.request().slowness(), b.request().slowness())
	})
	handlers.Go(func() {
		for _, at := range left {
			select {
			case <-answer(at):
			case <-time.After(patience):
			}
		}
	})
	return &handlers
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
	atomic.StoreUint32(at.begun, 1)
	if atomic.LoadUint64(at.interrupted) == unique {
		s.watchers.Go(func() { s.heed(at, unique) })
	}
	b := s.buffers.Get().(*buffers)
	s.answer(at, r, b)
	s.buffers.Put(b)
}
