package store

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/imagefs/imagefs/store/layer"
)

// unpacking is one pass over a blob, each stage in a goroutine of its own:
//
//	partial (which may still grow) → digest, checksums → decompressor → layer.Unpack
//
// The decompressor has a processor for itself: nothing else takes as long.
type unpacking struct {
	store  *Store
	blob   *partial
	digest digest.Digest
	diffID digest.Digest
	dir    string // what the layer is unpacked into; "" if it is stored already
	claim  *Claim // of its large files; nil if the layer is stored already
	cancel func() // ends the context of run, and with it the download

	sums *checksums // of the blob, once run has returned without an error
}

// prepare makes a directory for the layer, and a claim for its large files.
func (u *unpacking) prepare() (err error) {
	if u.claim, err = u.store.Claim(); err != nil {
		return err
	}
	if u.dir, err = u.store.scratch.mkdir(); err != nil {
		u.claim.Close()
	}
	return err
}

// run makes the pass. A blob or layer that is not what its digest says is a *DigestError, and one that cannot be unpacked
// although its digest is right wraps a *layer.FormatError; after any other error the blob may be good.
func (u *unpacking) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { u.blob.end(context.Cause(ctx)) })
	defer stop()
	hashed := newQueue()
	var verified error
	var wg sync.WaitGroup
	wg.Go(func() { verified = u.verify(hashed) })
	var unpacked error
	if u.dir == "" {
		hashed.abandon()
	} else {
		unpacked = u.unpack(ctx, hashed)
	}
	if unpacked != nil && !isContent(unpacked) {
		u.cancel()
	}
	wg.Wait()
	switch {
	case unpacked != nil && !isContent(unpacked) && !errors.Is(unpacked, context.Canceled):
		return unpacked
	case verified != nil:
		return verified
	}
	return unpacked
}

// isContent tells an error that comes of the blob's bytes from one that comes of the disk or the network.
func isContent(err error) bool {
	var (
		format   *layer.FormatError
		mismatch *DigestError
	)
	return errors.As(err, &format) || errors.As(err, &mismatch)
}

// verify reads the blob to its end, whether anybody reads what it puts into out or not.
func (u *unpacking) verify(out *queue) error {
	err := u.hash(out)
	if err != nil {
		out.end(err)
	} else {
		out.end(io.EOF)
	}
	return err
}

func (u *unpacking) hash(out *queue) error {
	sum := newDigester()
	for {
		b := out.take()
		n, err := u.blob.Read(b)
		sum.Write(b[:n])
		out.put(b[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if got := sum.digest.Digest(); got != u.digest {
		return &DigestError{What: "blob", Want: u.digest, Got: got}
	}
	u.sums = sum.finish()
	return nil
}

// unpack reads the layer out of the blob's bytes.
func (u *unpacking) unpack(ctx context.Context, blob *queue) error {
	out := unpackInto{dir: u.dir, inBlob: u.digest == u.diffID}
	out.large = largeFiles{store: u.store, commit: func(f *os.File, d digest.Digest) error {
		defer f.Close()
		if err := u.claim.Add(ctx, d); err != nil {
			return errors.Join(err, os.Remove(f.Name()))
		}
		return u.store.publishLarge(f, d)
	}}
	got, err := out.run(ctx, blob)
	if err == nil && got != u.diffID {
		return &DigestError{What: "layer diffID", Want: u.diffID, Got: got}
	}
	return err
}

// commitsAtOnce is how many large files of one layer may wait for the disk.
const commitsAtOnce = 8

// unpackInto is the last two stages: decompressor → layer.Unpack.
type unpackInto struct {
	dir    string
	inBlob bool
	large  largeFiles
}

// run returns the diffID, once the large files are durable.
func (u *unpackInto) run(ctx context.Context, blob *queue) (digest.Digest, error) {
	tar := newQueue()
	var wg sync.WaitGroup
	wg.Go(func() {
		err := decompress(blob, tar)
		if err == nil {
			err = io.EOF
		}
		tar.end(err)
	})
	u.large.commits = &errgroup.Group{}
	u.large.commits.SetLimit(commitsAtOnce)
	diffID, err := layer.Unpack(ctx, u.dir, tar, layer.UnpackOptions{Large: u.large, InBlob: u.inBlob})
	tar.abandon()
	blob.abandon()
	wg.Wait()
	if failed := u.large.commits.Wait(); err == nil {
		err = failed
	}
	return diffID, err
}

// discard removes what was unpacked, and ends the claim.
func (u *unpacking) discard() {
	if u.dir != "" {
		os.RemoveAll(u.dir)
		u.claim.Close()
	}
}
