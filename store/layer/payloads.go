package layer

import (
	"context"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

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
