package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs/store/layer"
)

// Source opens a blob's bytes from an offset on. It deals with retries itself: an error is final. ctx also ends what it
// returned.
type Source func(ctx context.Context, offset int64) (io.ReadCloser, error)

// IngestLayer makes sure that the layer of blob desc is stored: blob, checksums and unpacked layer. What an earlier,
// interrupted call had stored of it is kept, and source is asked only for the rest; a blob that is stored whole is not
// asked for at all, unless it has to be unpacked and turns out damaged. Without a source, which may be nil, that is a
// [*layer.CorruptError]. progress, which may be nil, is called with the bytes of the blob done so far, those of earlier
// calls included. Two callers of the same layer, in any process, share the work: the second waits.
//
// The caller claims desc.Digest and diffID before, and until the image is published: see [Claim].
//
// A blob that is not desc.Digest, or a layer that is not diffID, is a [*DigestError]; a corrupt stream is a
// [*layer.FormatError], which wraps the decompressor's error if it is that. Both leave nothing, and so does a full disk.
func (s *Store) IngestLayer(ctx context.Context, desc ocispec.Descriptor, diffID digest.Digest, source Source, progress func(done int64)) error {
	if !layerTypes[desc.MediaType] {
		return &UnsupportedError{MediaType: desc.MediaType}
	}
	for _, d := range []digest.Digest{desc.Digest, diffID} {
		if err := checkDigest(d); err != nil {
			return err
		}
	}
	if progress == nil {
		progress = func(int64) {}
	}
	in := &ingest{store: s, desc: desc, diffID: diffID, source: source, progress: progress}
	if in.isDone() {
		progress(desc.Size)
		return nil
	}
	return in.locked(ctx)
}

// ingest is one call of IngestLayer.
type ingest struct {
	store    *Store
	desc     ocispec.Descriptor
	diffID   digest.Digest
	source   Source
	progress func(int64)
}

func (in *ingest) isDone() bool {
	return in.store.HasBlob(in.desc.Digest) && in.store.hasLayer(in.diffID)
}

// path is the file of the download; its lock is beside it.
func (in *ingest) path() string { return in.store.path("ingest", in.desc.Digest.Encoded()) }

// locked does what is left to do once no other caller does it.
func (in *ingest) locked(ctx context.Context) error {
	if err := makeDir(in.store.path("ingest")); err != nil {
		return err
	}
	lock, err := acquire(ctx, in.path()+".lock", in.reportOther)
	if err != nil {
		return err
	}
	defer lock.Close()
	switch {
	case in.isDone():
	case in.store.HasBlob(in.desc.Digest):
		err = in.unpackStored(ctx)
		var damaged *layer.CorruptError
		if errors.As(err, &damaged) && in.source != nil {
			err = in.downloadAll(ctx)
		}
	case in.source == nil:
		err = blobError(in.desc.Digest, fs.ErrNotExist)
	default:
		err = in.downloadAll(ctx)
	}
	if err == nil {
		in.progress(in.desc.Size)
	}
	if !exists(in.path()) {
		os.Remove(lock.Name())
	}
	return err
}

// reportOther reports how far the caller is that has the lock.
func (in *ingest) reportOther() {
	if info, err := os.Lstat(in.path()); err == nil {
		in.progress(info.Size())
	}
}

// unpackStored unpacks a blob that is stored whole.
func (in *ingest) unpackStored(ctx context.Context) error {
	path, err := in.store.blobPath(in.desc.Digest)
	if err != nil {
		return err
	}
	f, _, err := openRegular(path)
	if err != nil {
		return blobError(in.desc.Digest, err)
	}
	defer f.Close()
	blob, err := newPartial(f)
	if err != nil {
		return err
	}
	blob.end(nil)
	u, err := in.unpacking(blob)
	if err != nil {
		return err
	}
	defer u.discard()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u.cancel = cancel
	err = u.run(ctx)
	var mismatch *DigestError
	if errors.As(err, &mismatch) && mismatch.Want == in.desc.Digest {
		return &layer.CorruptError{Path: path, Detail: "its sha256 is " + mismatch.Got.Encoded()}
	}
	if err != nil {
		return err
	}
	return in.commitDerived(ctx, u)
}

// downloadAll fetches the blob, and unpacks it where that is not done. What an earlier call left is trusted last of all:
// if the whole turns out wrong, it is fetched again from its start.
func (in *ingest) downloadAll(ctx context.Context) error {
	resumed, err := in.download(ctx)
	if resumed && err != nil && isContent(err) {
		_, err = in.download(ctx)
	}
	return err
}

// download is one attempt; resumed tells whether it went on with what was there. Of bytes that are at fault nothing is
// left, nor where they have filled the disk.
func (in *ingest) download(ctx context.Context) (resumed bool, err error) {
	blob, err := openPartial(in.path())
	if err != nil {
		return false, err
	}
	defer blob.file.Close()
	if blob.size > in.desc.Size {
		if err := blob.truncate(); err != nil {
			return false, err
		}
	}
	resumed = blob.size > 0
	u, err := in.unpacking(blob)
	if err != nil {
		return resumed, err
	}
	defer u.discard()
	err = in.transfer(ctx, blob, u)
	if err == nil {
		err = in.commitBlob(ctx, u)
	}
	if err != nil && (isContent(err) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)) {
		os.Remove(in.path())
	}
	return resumed, err
}

// transfer fetches and unpacks, at the same time.
func (in *ingest) transfer(ctx context.Context, blob *partial, u *unpacking) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u.cancel = cancel
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { blob.download(ctx, in.desc, in.source, in.progress) })
	return u.run(ctx)
}

// unpacking prepares the pass over the blob.
func (in *ingest) unpacking(blob *partial) (*unpacking, error) {
	u := &unpacking{store: in.store, blob: blob, digest: in.desc.Digest, diffID: in.diffID}
	if in.store.hasLayer(in.diffID) {
		return u, nil
	}
	return u, u.prepare()
}

// commitBlob gives the downloaded blob its name, and then what is derived of it: where that is lost, it is made again.
func (in *ingest) commitBlob(ctx context.Context, u *unpacking) error {
	path, err := in.store.blobPath(in.desc.Digest)
	if err != nil {
		return err
	}
	if err := publish(u.blob.file, path); err != nil {
		return err
	}
	return in.commitDerived(ctx, u)
}

func (in *ingest) commitDerived(ctx context.Context, u *unpacking) error {
	sums := in.store.path("checksums", "sha256", in.desc.Digest.Encoded())
	if u.sums.size > blockSize {
		if err := in.store.writeFile(sums, u.sums.marshal()); err != nil {
			return err
		}
	}
	if u.dir == "" {
		return nil
	}
	return in.store.commitLayer(ctx, u.dir, in.diffID)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
