package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/tree"
)

// ErrNotFound says that the store has no such blob, image or reference.
var ErrNotFound = errors.New("not in the store")

// DigestError says that bytes are not what their digest promises.
type DigestError struct {
	What      string // "blob", "layer diffID", …
	Want, Got digest.Digest
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("%s: got %s, want %s", e.What, e.Got, e.Want)
}

// UnsupportedError says that a blob is of a media type the store cannot unpack.
type UnsupportedError struct{ MediaType string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("layers of media type %q are not supported", e.MediaType)
}

// Store is an open root directory. Its methods may be called from many goroutines.
type Store struct{}

// Open opens the store at dir, and makes it if dir does not exist or is empty. A directory that holds something else is
// refused. A layout that another program wrote is taken as it is.
func Open(dir string) (*Store, error) { panic("unwritten") }

// Close ends the store's use in this process.
func (s *Store) Close() error { panic("unwritten") }

// Dir is the root directory.
func (s *Store) Dir() string { panic("unwritten") }

// Snapshot is the store at one moment. It never changes; its slices and maps must not be written to.
type Snapshot struct {
	References []Reference // sorted by Name
	Images     []*Image    // complete and published images, sorted by Number
}

// Image returns the image with that ID (config digest), or nil.
func (s *Snapshot) Image(id digest.Digest) *Image { panic("unwritten") }

// Reference returns the reference with exactly that full name, or nil.
func (s *Snapshot) Reference(name string) *Reference { panic("unwritten") }

// ImageByNumber returns the image that number belongs to (its own, or that of one of its layers' diffs), or nil.
func (s *Snapshot) ImageByNumber(n uint32) *Image { panic("unwritten") }

// ChainByNumber returns the chain with that number and an image that has it, or nil.
func (s *Snapshot) ChainByNumber(n uint32) (*Image, *Chain) { panic("unwritten") }

// Reference is a name for a manifest or an image index.
type Reference struct {
	// Name is full and normalised: host/path:tag or host/path@digest.
	Name   string
	Target ocispec.Descriptor // as in index.json
	// Updated is when the name was last given to another target; the zero time if another program wrote it.
	Updated time.Time
	// Images are the complete images Target leads to: one for a manifest; for an index one a platform that was pulled,
	// the host's platform (or else the first that was pulled) first. Empty for a reference whose blobs are missing.
	Images []*Image
}

// Image is one complete image.
type Image struct {
	// Number is the image's own; Number+1+k is that of its layer k's diff. Never given to another image.
	Number   uint32
	ID       digest.Digest      // of the config
	Manifest ocispec.Descriptor // with Platform set
	// Index is the image index the image was first pulled through, or nil.
	Index   *ocispec.Descriptor
	Config  ocispec.Descriptor
	Layers  []ocispec.Descriptor // the blobs, base first; as many as Chains
	Chains  []Chain              // base first
	Size    int64                // sum of the regular files of all layers in bytes, as docker counts it
	Created time.Time            // of the config; the zero time if it has none
}

// Chain is the stack of layers from the base up to one of them.
type Chain struct {
	Number  uint32
	ChainID digest.Digest // as the OCI image specification computes it
	DiffID  digest.Digest // of its topmost layer
}

// Snapshot returns the store as it is now, as far as this process knows: see [Store.Refresh].
func (s *Store) Snapshot() *Snapshot { panic("unwritten") }

// Refresh reads index.json again if it changed, and returns the store as it is now.
func (s *Store) Refresh() (*Snapshot, error) { panic("unwritten") }

// Watch calls changed, from one goroutine at a time, each time that the snapshot has changed, whoever changed it,
// until ctx ends.
func (s *Store) Watch(ctx context.Context, changed func(old, new *Snapshot)) error {
	panic("unwritten")
}

// Blob returns the whole of a small blob (a manifest, an index, a config), checked against its digest. ErrNotFound;
// a blob that does not match is a [*layer.CorruptError].
func (s *Store) Blob(d digest.Digest) ([]byte, error) { panic("unwritten") }

// PutBlob stores a small blob durably. A *DigestError if data is not d's.
func (s *Store) PutBlob(d digest.Digest, data []byte) error { panic("unwritten") }

// HasBlob tells whether the blob d is stored whole.
func (s *Store) HasBlob(d digest.Digest) bool { panic("unwritten") }

// BlobReader reads a blob; what it reads is checked by a CRC-32C for each 64 KiB.
type BlobReader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// OpenBlob opens a blob of any size.
func (s *Store) OpenBlob(d digest.Digest) (BlobReader, error) { panic("unwritten") }

// Source opens a blob's bytes from an offset on. It deals with retries itself: an error is final.
type Source func(ctx context.Context, offset int64) (io.ReadCloser, error)

// IngestLayer makes sure that the layer of blob desc is stored: blob, checksums and unpacked layer. What an earlier,
// interrupted call had stored of it is kept, and source is asked only for the rest; a blob that is stored whole is not
// asked for at all. progress, which may be nil, is called with the bytes of the blob done so far, those of earlier calls
// included. Two callers of the same layer, in any process, share the work: the second waits.
//
// A blob that is not desc.Digest, or a layer that is not diffID, is a [*DigestError] and leaves nothing; a corrupt
// stream is a [*layer.FormatError] or the decompressor's error.
func (s *Store) IngestLayer(ctx context.Context, desc ocispec.Descriptor, diffID digest.Digest, source Source, progress func(done int64)) error {
	panic("unwritten")
}

// Publication is what one pull, load or build adds.
type Publication struct {
	// Name, full and normalised, is given to Target; empty to keep Target without a name.
	Name string
	// Target is the manifest, or the index that leads to Manifests.
	Target ocispec.Descriptor
	// Manifests are the images' own, with their Platform where it is known; their blobs, configs and layers are stored.
	Manifests []ocispec.Descriptor
}

// Publish merges the images' trees, gives them numbers, and writes the references, all at once, last. Publishing what is
// published already changes nothing. It returns the images, in the order of Manifests.
func (s *Store) Publish(ctx context.Context, p ...Publication) ([]*Image, error) { panic("unwritten") }

// Adopt unpacks and publishes the complete images that are in the layout but not yet (or no longer) unpacked: those that
// another program wrote, and those whose derived files were deleted. Images it cannot unpack are left out and
// their errors joined.
func (s *Store) Adopt(ctx context.Context) error { panic("unwritten") }

// Layer opens the unpacked layer diffID; the store closes it.
func (s *Store) Layer(diffID digest.Digest) (*layer.Layer, error) { panic("unwritten") }

// Tree opens the merged tree of an image; the store closes it.
func (s *Store) Tree(img *Image) (*tree.Tree, error) { panic("unwritten") }

// DiffTree opens the tree of layer k of an image alone, and builds it first where it is not stored; the store closes
// it.
func (s *Store) DiffTree(img *Image, k int) (*tree.Tree, error) { panic("unwritten") }
