package layer

import (
	"context"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// writebackSize is how much is written before the kernel is asked to start putting it on disk, so that little is left
// when the file is synced.
const writebackSize = 8 << 20

// output is a file that is written from its start to its end.
type output struct {
	file    *os.File
	size    int64
	started int64 // how much of it is on its way to the disk
}

func (o *output) create(path string) (err error) {
	o.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	return err
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	o.size += int64(n)
	if o.size-o.started >= writebackSize {
		// Advice: a file system that does not know it syncs everything at the end.
		unix.SyncFileRange(int(o.file.Fd()), o.started, o.size-o.started, unix.SYNC_FILE_RANGE_WRITE)
		o.started = o.size
	}
	return n, err
}

func (o *output) close() {
	if o.file != nil {
		o.file.Close()
	}
}

// framing writes tar-split. In a layer InBlob there is none, and file is nil.
type framing struct {
	output
	buf  []byte
	sums blockSums
}

func (f *framing) create(dir string, sums *section) error {
	f.buf = make([]byte, 0, bufferSize)
	f.sums.out = sums
	return f.output.create(filepath.Join(dir, tarSplitName))
}

// offset is where the next byte goes.
func (f *framing) offset() int64 { return f.size + int64(len(f.buf)) }

func (f *framing) write(p []byte) error {
	if f.file == nil {
		return nil
	}
	f.sums.write(p)
	f.buf = append(f.buf, p...)
	if len(f.buf) < bufferSize {
		return nil
	}
	return f.writeOut()
}

func (f *framing) writeOut() error {
	_, err := f.Write(f.buf)
	f.buf = f.buf[:0]
	return err
}

// flush ends the file.
func (f *framing) flush() error {
	if f.file == nil {
		return nil
	}
	f.sums.end()
	return f.writeOut()
}

// maxCommits is how many large files are being made durable at once.
const maxCommits = 4

// payloadWriter writes payloads to pack or to the LargeFiles. In a layer InBlob it writes nothing, and file is nil.
type payloadWriter struct {
	output
	large   LargeFiles
	current LargeFile // being written
	commits errgroup.Group
}

func (w *payloadWriter) create(dir string, large LargeFiles) error {
	w.large = large
	w.commits.SetLimit(maxCommits)
	return w.output.create(filepath.Join(dir, packName))
}

func (w *payloadWriter) run(ctx context.Context, in <-chan *batch, spare chan<- *batch) error {
	err := w.batches(ctx, in, spare)
	if w.current != nil {
		w.current.Discard()
		w.current = nil
	}
	committed := w.commits.Wait()
	if err != nil {
		return err
	}
	return committed
}

func (w *payloadWriter) batches(ctx context.Context, in <-chan *batch, spare chan<- *batch) error {
	for {
		b, ok, err := receive(ctx, in)
		if err != nil || !ok {
			return err
		}
		if err := w.batch(b); err != nil {
			return err
		}
		if err := send(ctx, spare, b); err != nil {
			return err
		}
	}
}

// batch writes runs of small payloads at once.
func (w *payloadWriter) batch(b *batch) error {
	if w.file == nil {
		return nil
	}
	data, small := b.data, 0
	for i := range b.items {
		it := &b.items[i]
		if it.record.flags&flagLarge == 0 {
			small += it.length
			continue
		}
		if _, err := w.Write(data[:small]); err != nil {
			return err
		}
		data = data[small:]
		if err := w.largePart(it, data[:it.length]); err != nil {
			return err
		}
		data, small = data[it.length:], 0
	}
	_, err := w.Write(data[:small])
	return err
}

func (w *payloadWriter) largePart(it *item, p []byte) (err error) {
	if w.current == nil {
		if w.current, err = w.large.Create(); err != nil {
			return err
		}
	}
	if _, err := w.current.Write(p); err != nil {
		return err
	}
	if !it.last {
		return nil
	}
	file, d := w.current, digestOf(it.digest)
	w.current = nil
	w.commits.Go(func() error { return file.Commit(d) })
	return nil
}
