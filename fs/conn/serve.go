package conn

import (
	"fmt"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Serve reads and answers requests until the file system is unmounted or the connection aborted, and then returns nil.
// It is called once. What is at work then is interrupted and waited for. After another error its goroutines may still
// wait for requests, and the process should end.
func (s *Server) Serve() error {
	left := s.takeOver()
	s.wakePolled()
	serve := s.serveEach
	if s.options.Workers > 0 {
		serve = s.serveByWorkers
	}
	if err := serve(left); err != nil {
		return err
	}
	s.forgetPolled()
	s.fs.OnUnmount()
	return s.area.unmap()
}

// serveByWorkers has a goroutine for each slot of a worker, and for each other one that holds a request of before.
func (s *Server) serveByWorkers(left map[*slot]request) error {
	workers := s.area.slots[:min(s.options.Workers, len(s.area.slots))]
	ended := make(chan error, len(workers))
	for _, at := range workers {
		go func() { ended <- s.work(at, left[at]) }()
	}
	var others sync.WaitGroup
	for _, at := range s.area.slots[len(workers):] {
		if r := left[at]; r != nil {
			others.Go(func() { s.answerAgain(at, r) })
		}
	}
	for range workers {
		if err := <-ended; !connectionEnded(err) {
			return err
		}
		s.cancelAll()
	}
	others.Wait()
	return nil
}

// work answers what a predecessor left in the slot, if anything, and then reads and answers, until read(2) fails.
func (s *Server) work(at *slot, left request) error {
	debug.SetPanicOnFault(true)
	if left != nil {
		s.answerAgain(at, left)
	}
	b := s.buffers.Get().(*buffers)
	for {
		r, err := s.read(at)
		if err != nil {
			return err
		}
		s.answer(at, r, b)
	}
}

// serveEach reads into a free slot, has a goroutine answer it, and reads on.
func (s *Server) serveEach(left map[*slot]request) error {
	var handlers sync.WaitGroup
	free := newFreeSlots()
	for _, at := range s.area.slots {
		r := left[at]
		if r == nil {
			free.put(at)
			continue
		}
		handlers.Go(func() {
			s.answerAgain(at, r)
			free.put(at)
		})
	}
	for {
		at := free.take()
		r, err := s.read(at)
		if connectionEnded(err) {
			break
		}
		if err != nil {
			return err
		}
		if r.mayBlock() && free.count() < s.reserve() {
			s.refuse(at, r, fuse.EAGAIN)
			free.put(at)
			continue
		}
		handlers.Go(func() {
			debug.SetPanicOnFault(true)
			b := s.buffers.Get().(*buffers)
			s.answer(at, r, b)
			s.buffers.Put(b)
			free.put(at)
		})
	}
	s.cancelAll()
	handlers.Wait()
	return nil
}

// reserve is how many slots requests that may block leave to the others.
func (s *Server) reserve() int { return min(8, len(s.area.slots)/4) }

// read waits for a request.
func (s *Server) read(at *slot) (request, error) {
	at.clear()
	if err := s.readInto(at.buffer); err != nil {
		return nil, err
	}
	r := at.request()
	if r == nil {
		return nil, fmt.Errorf("a request without a valid length: %w", syscall.EPROTO)
	}
	return r, nil
}

// refuse answers a request without a handler.
func (s *Server) refuse(at *slot, r request, status fuse.Status) {
	if r.wantsAnswer() {
		out := make([]byte, outHeaderSize)
		putError(out, r.unique(), status)
		s.reply(out, r.unique())
	}
	at.end()
}

// cancelAll interrupts all that is at work, because the connection has ended and nobody else will.
func (s *Server) cancelAll() {
	for _, at := range s.area.slots {
		if unique := at.atWork.Load(); unique != 0 {
			s.cancel(at, unique)
		}
	}
}
