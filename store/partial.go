package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// partial is the file of a blob, which one goroutine reads from its start while another may still append to it.
type partial struct {
	file  *os.File
	flush writeback
	pos   int64 // the reader's

	mu   sync.Mutex // guards what follows
	more sync.Cond  // on mu: one of them has changed
	size int64
	done bool
	err  error // why nothing more comes, if that is not the end
}

// openPartial opens the file of a download, with what an earlier one has left.
func openPartial(path string) (*partial, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, err
	}
	return newPartial(f)
}

func newPartial(f *os.File) (*partial, error) {
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	p := &partial{file: f, size: info.Size(), flush: writeback{started: info.Size(), size: info.Size()}}
	p.more.L = &p.mu
	return p, nil
}

// append adds b to the file.
func (p *partial) append(b []byte) error {
	n, err := p.file.WriteAt(b, p.flush.size)
	p.flush.wrote(p.file, n)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size += int64(n)
	p.more.Broadcast()
	return err
}

// end says that nothing more will be appended, and why. The first reason stays.
func (p *partial) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
	if p.err == nil {
		p.err = err
	}
	p.more.Broadcast()
}

// Read waits for bytes that are not there yet.
func (p *partial) Read(b []byte) (int, error) {
	n, err := p.wait(len(b))
	if err != nil {
		return 0, err
	}
	n, err = p.file.ReadAt(b[:n], p.pos)
	p.pos += int64(n)
	if err == io.EOF && n == 0 {
		return 0, fmt.Errorf("%s: %w", p.file.Name(), io.ErrUnexpectedEOF)
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// wait returns how many bytes can be read, up to limit.
func (p *partial) wait(limit int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.pos >= p.size && !p.done {
		p.more.Wait()
	}
	switch {
	case p.err != nil: // rather at once than after what has come before it
		return 0, p.err
	case p.pos >= p.size:
		return 0, io.EOF
	}
	return int(min(int64(limit), p.size-p.pos)), nil
}

// download appends what source has of the blob beyond what is there, and ends the file.
func (p *partial) download(ctx context.Context, desc ocispec.Descriptor, source Source, progress func(int64)) {
	err := p.fetch(ctx, desc, source, progress)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	p.end(err)
}

var errShort = errors.New("the source ended early")

func (p *partial) fetch(ctx context.Context, desc ocispec.Descriptor, source Source, progress func(int64)) error {
	progress(p.flush.size)
	if p.flush.size == desc.Size {
		return nil
	}
	r, err := source(ctx, p.flush.size)
	if err != nil {
		return err
	}
	defer r.Close()
	buf := make([]byte, queueBlock)
	for {
		n, err := r.Read(buf)
		if p.flush.size+int64(n) > desc.Size {
			return &DigestError{What: fmt.Sprintf("blob, longer than its %d bytes", desc.Size), Want: desc.Digest}
		}
		if err := p.append(buf[:n]); err != nil {
			return err
		}
		progress(p.flush.size)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if p.flush.size < desc.Size {
		return fmt.Errorf("blob %s: %w at %d of %d bytes: %w", desc.Digest, errShort, p.flush.size, desc.Size, io.ErrUnexpectedEOF)
	}
	return nil
}

// truncate drops what is there.
func (p *partial) truncate() error {
	p.size, p.flush = 0, writeback{}
	return p.file.Truncate(0)
}
