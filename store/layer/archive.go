package layer

import (
	"context"
	"github.com/vbatts/tar-split/archive/tar"
	"io"
)

// archive takes the tar apart: entries and payloads go to the hasher in batches, everything else to the framing.
type archive struct {
	ctx      context.Context
	source   source
	framing  framing
	table    entryTable
	extents  section
	segments section
	out      chan<- *batch
	spare    chan *batch // batches to be used again
	batch    *batch
	packSize int64
	payloads uint32
}

func (a *archive) init(dir string) {
	a.table.init(dir)
	a.extents.dir, a.segments.dir = dir, dir
	a.spare = newBatches()
}

func (a *archive) connect(ctx context.Context, in <-chan []byte, free chan<- []byte, out chan<- *batch) {
	a.ctx, a.out = ctx, out
	a.source = source{ctx: ctx, in: in, free: free}
}

func (a *archive) read() error {
	if err := a.nextBatch(); err != nil {
		return err
	}
	for {
		// A reader knows one entry only: payloads are taken from the source behind its back.
		h, err := tar.NewReader(&a.source).Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return a.explain(err)
		}
		if err := a.entry(h); err != nil {
			return named(err, h.Name)
		}
	}
	if err := a.trailer(); err != nil {
		return err
	}
	if err := send(a.ctx, a.out, a.batch); err != nil {
		return err
	}
	close(a.out)
	return nil
}

// entry deals with one entry from the end of its headers to the start of the next one's.
func (a *archive) entry(h *tar.Header) error {
	e, xattrs, ok, err := entryOf(h)
	if err != nil {
		return err
	}
	size, content, err := payloadOf(h, a.source.headers)
	if err != nil {
		return err
	}
	if err := a.takeHeaders(); err != nil {
		return err
	}
	if !ok {
		return a.leaveOut(size)
	}
	r, err := a.table.add(&e, xattrs)
	if err != nil {
		return err
	}
	if e.Type != Regular || size == 0 && content == nil {
		return a.plain(r, size)
	}
	return a.file(r, size, content)
}

// plain is an entry without content; a whiteout may have a payload all the same.
func (a *archive) plain(r record, size int64) error {
	if err := a.put(item{record: r, last: true}); err != nil {
		return err
	}
	return a.leaveOut(size)
}

// file is a regular file that has a payload, or is sparse.
func (a *archive) file(r record, size int64, content *sparse) error {
	place := a.place(&r, size)
	r.place = uint64(place)
	if content != nil {
		content.place, content.size = place, size
		r.flags |= flagSparse
		r.place = uint64(a.extents.size)
		a.extents.Write(content.append(nil))
	}
	if size == 0 {
		return a.put(item{record: r, last: true})
	}
	r.payload = a.payloads
	a.payloads++
	if err := a.payload(r, size); err != nil {
		return err
	}
	return a.padding()
}

// place decides where the payload that comes next is stored, and returns its offset there.
func (a *archive) place(r *record, size int64) int64 {
	if a.framing.file == nil {
		return a.source.pos
	}
	s := segment{tar: a.source.pos, framing: a.framing.offset(), entry: uint32(a.table.count - 1)}
	if size > 0 {
		a.segments.Write(s.append(nil))
	}
	if size >= LargeSize {
		r.flags |= flagLarge
		return 0
	}
	at := a.packSize
	a.packSize += size
	return at
}

// payload passes size bytes on.
func (a *archive) payload(r record, size int64) error {
	for left := size; left > 0; {
		room := a.batch.room(left)
		if len(room) == 0 {
			if err := a.flush(); err != nil {
				return err
			}
			continue
		}
		b, err := a.source.next(len(room))
		if err != nil {
			return a.truncated(err)
		}
		n := copy(room, b)
		left -= int64(n)
		a.batch.take(item{record: r, size: size, length: n, last: left == 0})
	}
	return nil
}

func (a *archive) close() {
	a.framing.close()
	a.table.close()
	a.extents.close()
	a.segments.close()
}
