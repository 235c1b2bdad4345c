package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// settleFactor is how many times StallTimeout a registry may take to store a blob of which it has every byte.
const settleFactor = 10

// Source opens a blob's bytes from an offset on. An error of it, or of what it opened, ends the push.
type Source func(ctx context.Context, offset int64) (io.ReadCloser, error)

func uploadsPath(repository reference.Named) string {
	return reference.Path(repository) + "/blobs/uploads/"
}

func (c *Client) pushBlob(ctx context.Context, repository reference.Named, desc ocispec.Descriptor, source Source, progress func(done int64)) error {
	if err := desc.Digest.Validate(); err != nil {
		return fail(ErrUnsupported, "digest %q: %v", desc.Digest, err)
	}
	u := &upload{
		client:     c,
		question:   pushing(repository, blobOf(repository, desc.Digest)),
		repository: repository,
		desc:       desc,
		source:     source,
		progress:   progress,
		attempts:   c.newAttempts(),
	}
	return c.ask(ctx, u.question, u.attempts, u.try)
}

// upload is a blob on its way to a registry, in as many requests as it takes (distribution specification, "Pushing a blob
// in chunks"). There is one chunk, the rest of the blob, unless a request fails.
type upload struct {
	client     *Client
	question   question
	repository reference.Named
	desc       ocispec.Descriptor
	source     Source
	progress   func(done int64) // may be nil
	attempts   *attempts

	location  *url.URL // of the upload; nil if there is none
	offset    int64    // bytes that the registry has of it
	reached   int64    // the highest offset there was
	uncertain bool     // a request failed, so only the registry knows what it has
	resumed   bool     // what the registry has came in more than one chunk
	finishing bool     // it was asked to store the blob
}

// try goes on where the upload stands, to its end.
func (u *upload) try(ctx context.Context, e *endpoint) error {
	if u.uncertain && u.location != nil {
		if err := u.resume(ctx, e); err != nil {
			return err
		}
	}
	if u.location == nil {
		if u.finishing && u.client.checkBlob(ctx, e, u.question, u.repository, u.desc.Digest) == nil {
			return nil // it was the answer that was lost
		}
		if err := u.begin(ctx, e); err != nil {
			return err
		}
	}
	u.uncertain = true
	if u.offset < u.desc.Size {
		if err := u.send(ctx, e); err != nil {
			return u.refused(err)
		}
	}
	u.finishing = true
	return u.refused(u.finish(ctx, e))
}

func (u *upload) begin(ctx context.Context, e *endpoint) error {
	resp, err := u.client.do(ctx, e, request{
		method: http.MethodPost,
		url:    at(e, uploadsPath(u.repository)),
		scope:  u.question.scope,
		body:   bodyOf(nil),
	})
	if err != nil {
		return err
	}
	drain(resp.Body)
	u.attempts.resuming = true
	return u.follow(resp)
}

// follow takes the upload's next location from an answer; it may be relative.
func (u *upload) follow(resp *http.Response) (err error) {
	u.location, err = u.client.leads(resp, "an upload")
	return err
}

// resume asks how much of the blob the registry has. One that does not know the upload any more, or does not tell, has
// nothing.
func (u *upload) resume(ctx context.Context, e *endpoint) error {
	resp, err := u.client.do(ctx, e, request{url: exactly(u.location), scope: u.question.scope})
	var reply *answer
	switch {
	case errors.As(err, &reply) && !reply.busy():
		u.forget()
		return nil
	case err != nil:
		return err
	}
	drain(resp.Body)
	last, ok := lastByte(resp.Header)
	if !ok || last >= u.desc.Size {
		u.forget()
		return nil
	}
	if last > 0 { // or it is none
		u.reach(last + 1)
		u.resumed = true
	}
	if resp.Header.Get("Location") == "" {
		return nil
	}
	return u.follow(resp)
}

// forget begins anew.
func (u *upload) forget() {
	u.location, u.offset, u.resumed = nil, 0, false
}

// reach notes how much the registry has; more than ever before makes up for the failures so far.
func (u *upload) reach(offset int64) {
	u.offset = offset
	if offset > u.reached {
		u.reached = offset
		u.attempts.progress()
	}
}

// lastByte is the position of the last byte of an upload that a registry has. It is 0 for one byte, and for none: registries
// say "0-0" of both.
func lastByte(header http.Header) (last int64, ok bool) {
	var first int64
	_, err := fmt.Sscanf(header.Get("Range"), "%d-%d", &first, &last)
	return last, err == nil && first == 0 && last >= 0
}

// send sends the rest of the blob.
func (u *upload) send(ctx context.Context, e *endpoint) error {
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	if u.offset > 0 {
		header.Set("Content-Range", fmt.Sprintf("%d-%d", u.offset, u.desc.Size-1))
	}
	resp, err := u.client.do(ctx, e, request{
		method: http.MethodPatch,
		url:    exactly(u.location),
		scope:  u.question.scope,
		header: header,
		body:   &body{open: u.open, size: u.desc.Size - u.offset},
	})
	if err != nil {
		return err
	}
	drain(resp.Body)
	if err := u.follow(resp); err != nil {
		return err
	}
	if last, ok := lastByte(resp.Header); ok && last != u.desc.Size-1 {
		return fail(ErrTruncated, "took %d of %d bytes", last+1, u.desc.Size)
	}
	u.reach(u.desc.Size)
	u.uncertain = false
	return nil
}

// open opens the rest of the blob.
func (u *upload) open(ctx context.Context) (io.ReadCloser, error) {
	content, err := u.source(ctx, u.offset)
	if err != nil || u.progress == nil {
		return content, err
	}
	u.progress(u.offset)
	return &countedSource{content, u.offset, u.progress}, nil
}

// finish makes the registry store the blob.
func (u *upload) finish(ctx context.Context, e *endpoint) error {
	to := *u.location
	query := to.Query()
	query.Set("digest", u.desc.Digest.String())
	to.RawQuery = query.Encode()
	resp, err := u.client.do(ctx, e, request{
		method: http.MethodPut,
		url:    exactly(&to),
		scope:  u.question.scope,
		body:   bodyOf(nil),
		settle: settleFactor * u.client.options.StallTimeout,
	})
	if err == nil {
		drain(resp.Body)
	}
	return err
}

// refused begins anew, the next time, where a registry does not go on with what it has: it forgot the upload, or was given
// one in several parts and mixed them up.
func (u *upload) refused(err error) error {
	var reply *answer
	if !errors.As(err, &reply) {
		return err
	}
	switch {
	case reply.status == http.StatusNotFound && reply.code != "NAME_UNKNOWN",
		reply.status == http.StatusRequestedRangeNotSatisfiable,
		reply.status == http.StatusBadRequest && u.resumed:
		u.forget()
		return fail(ErrTruncated, "%v", reply)
	}
	return err
}

// countedSource reports how far it was read.
type countedSource struct {
	io.ReadCloser
	done     int64
	progress func(done int64)
}

func (s *countedSource) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.done += int64(n)
	if n > 0 {
		s.progress(s.done)
	}
	return n, err
}
