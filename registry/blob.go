package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func (c *Client) openBlob(ctx context.Context, repository reference.Named, desc ocispec.Descriptor, offset int64) (io.ReadCloser, error) {
	if offset < 0 || offset > desc.Size {
		return nil, fmt.Errorf("blob %s: offset %d is not within its %d bytes", desc.Digest, offset, desc.Size)
	}
	if err := desc.Digest.Validate(); err != nil {
		return nil, fail(ErrUnsupported, "digest %q: %v", desc.Digest, err)
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancel(ctx)
	b := &blob{
		client:   c,
		ctx:      ctx,
		question: pulling(repository, blobOf(repository, desc.Digest)),
		path:     blobPath(repository, desc.Digest),
		offset:   offset,
		size:     desc.Size,
		attempts: c.newAttempts(),
		release:  sync.OnceFunc(func() { cancel(); <-c.slots }),
	}
	if b.offset == b.size {
		return b, nil
	}
	if err := b.open(); err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

func blobOf(repository reference.Named, d digest.Digest) string {
	return fmt.Sprintf("blob %s of %s", d, reference.FamiliarName(repository))
}

func blobPath(repository reference.Named, d digest.Digest) string {
	return reference.Path(repository) + "/blobs/" + d.String()
}

// blob reads a blob from as many responses as it takes.
type blob struct {
	client   *Client
	ctx      context.Context
	question question
	path     string
	size     int64
	attempts *attempts
	release  func() // gives the slot back and ends ctx; may be called again

	offset  int64         // of the next byte
	from    *endpoint     // that body comes from
	body    io.ReadCloser // at offset; nil if there is none
	noRange bool          // a host refused the range
	err     error         // the end
}

// Read is not for several goroutines at once.
func (b *blob) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for b.err == nil {
		n, err := b.read(p)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			b.end(err)
		}
	}
	return 0, b.err
}

// Close may be called while Read runs, which then fails.
func (b *blob) Close() error {
	b.release()
	return nil
}

func (b *blob) end(err error) {
	b.drop()
	b.release()
	b.err = err
}

func (b *blob) drop() {
	if b.body != nil {
		b.body.Close()
		b.body = nil
	}
}

// read reads some bytes, or finds out why there are none. Neither means that it is to be tried again.
func (b *blob) read(p []byte) (int, error) {
	if b.offset == b.size {
		return 0, io.EOF
	}
	if b.body == nil {
		if err := b.open(); err != nil {
			return 0, err
		}
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.size-b.offset)])
	if n > 0 { // an error that comes with bytes comes again
		b.offset += int64(n)
		b.attempts.progress()
		return n, nil
	}
	if err == nil {
		return 0, nil
	}
	b.drop()
	return 0, b.cut(err)
}

// cut waits after a body that ended early, before the next is opened.
func (b *blob) cut(err error) error {
	if b.from.mirror {
		b.from.rest() // so the next host is asked, and this one is no attempt
		return b.ctx.Err()
	}
	return b.attempts.again(b.ctx, b.early(err))
}

// early is the error of a body that failed at b.offset.
func (b *blob) early(err error) error {
	switch {
	case b.ctx.Err() != nil:
		return b.ctx.Err()
	case errors.Is(err, ErrStalled):
		return b.question.explain(b.from.host, err)
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return fail(ErrTruncated, "%s: %s ended at byte %d of %d", b.from.host, b.question.subject, b.offset, b.size)
	}
	return fail(ErrTruncated, "%s: %s ended at byte %d of %d: %v", b.from.host, b.question.subject, b.offset, b.size, err)
}

// open gets a body that stands at b.offset.
func (b *blob) open() error {
	err := b.client.ask(b.ctx, b.question, b.attempts, func(ctx context.Context, e *endpoint) error {
		b.from = e
		resp, err := b.client.do(ctx, e, request{
			url:    at(e, b.path),
			scope:  b.question.scope,
			header: b.header(),
		})
		if err != nil {
			return b.refused(err)
		}
		return b.take(resp)
	})
	b.attempts.resuming = true
	return err
}

func (b *blob) header() http.Header {
	header := http.Header{"Accept-Encoding": {"identity"}}
	if b.offset > 0 && !b.noRange {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", b.offset, b.size-1))
	}
	return header
}

// refused asks without a range the next time, if that is what a host does not like: its blob ends early, or it knows no
// ranges.
func (b *blob) refused(err error) error {
	var reply *answer
	if !errors.As(err, &reply) || reply.status != http.StatusRequestedRangeNotSatisfiable {
		return err
	}
	b.noRange = true
	return fail(ErrTruncated, "%v", reply)
}

// take makes the response's body b's, at b.offset: from there on, or from the blob's start, which is then read and
// thrown away.
func (b *blob) take(resp *http.Response) error {
	start, err := startOf(resp, b.size)
	if err == nil && start > b.offset {
		err = fail(ErrProtocol, "it begins at byte %d, not %d", start, b.offset)
	}
	if err == nil {
		err = b.skip(resp.Body, b.offset-start)
	}
	if err != nil {
		resp.Body.Close()
		return err
	}
	b.body = resp.Body
	return nil
}

func (b *blob) skip(body io.Reader, n int64) error {
	done, err := io.CopyN(io.Discard, body, n)
	if err == nil || b.ctx.Err() != nil || errors.Is(err, ErrStalled) {
		return err
	}
	return fail(ErrTruncated, "ended at byte %d of the %d there were before: %v", done, n, err)
}

// startOf tells at which byte of the blob, which has size bytes, a response begins.
func startOf(resp *http.Response, size int64) (int64, error) {
	if resp.StatusCode == http.StatusPartialContent {
		var start, end int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/", &start, &end); err != nil || start < 0 {
			return 0, fail(ErrProtocol, "a part of it, without a Content-Range that says which")
		}
		return start, nil
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media == "text/html" && resp.ContentLength != size {
		return 0, fail(ErrProtocol, "a web page")
	}
	return 0, nil
}
