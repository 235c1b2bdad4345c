package conn

import (
	"fmt"
	"runtime/debug"
	"slices"
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
	s.watchers.Wait()
	s.teller.end()
	s.forgetPolled()
	s.fs.OnUnmount()
	return s.area.unmap()
}

// serveByWorkers has a goroutine for each of the first slots, which begins when what is left in its slot is answered.
func (s *Server) serveByWorkers(left []*slot) error {
	workers := s.area.slots[:min(s.options.Workers, len(s.area.slots))]
	ended := make(chan error, len(workers))
	start := func(at *slot, _ request) {
		if slices.Contains(workers, at) {
			go func() { ended <- s.work(at) }()
		}
	}
	for _, at := range workers {
		if at.request() == nil {
			start(at, nil)
		}
	}
	handlers := s.answerLeft(left, start)
	for range workers {
		if err := <-ended; !connectionEnded(err) {
			return err
		}
		s.cancelAll()
	}
	handlers.Wait()
	return nil
}

// work reads and answers, until read(2) fails.
func (s *Server) work(at *slot) error {
	debug.SetPanicOnFault(true)
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
func (s *Server) serveEach(left []*slot) error {
	free := newFreeSlots(s.area.slots)
	handlers := s.answerLeft(left, free.put)
	b := s.buffers.Get().(*buffers)
	for {
		at := free.take()
		r, err := s.read(at)
		if connectionEnded(err) {
			break
		}
		if err != nil {
			return err
		}
		switch mayStay := free.use(r); {
		case r.opcode() == opInterrupt: // at once, before the next request
			s.answer(at, r, b)
			free.put(at, r)
		case !mayStay:
			s.refuse(at, r, fuse.Status(syscall.ENOBUFS))
			free.put(at, r)
		default:
			handlers.Go(func() {
				debug.SetPanicOnFault(true)
				b := s.buffers.Get().(*buffers)
				s.answer(at, r, b)
				s.buffers.Put(b)
				free.put(at, r)
			})
		}
	}
	s.cancelAll()
	handlers.Wait()
	return nil
}

// read waits for a request. It is at work from then on.
func (s *Server) read(at *slot) (request, error) {
	at.clear()
	if err := s.readInto(at.buffer); err != nil {
		return nil, err
	}
	r := at.request()
	if r == nil {
		return nil, fmt.Errorf("a request without a valid length: %w", syscall.EPROTO)
	}
	at.atWork.Store(r.unique())
	return r, nil
}

// refuse answers a request without a handler.
func (s *Server) refuse(at *slot, r request, status fuse.Status) {
	if r.wantsAnswer() {
		out := make([]byte, outHeaderSize)
		putError(out, r.unique(), status)
		s.reply(out, r.unique())
	}
	s.end(at)
}
