package archive

import (
	"encoding/json"
	"errors"
	"io/fs"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// Docker's media types, as in its image manifest version 2, schema 2.
const (
	dockerIndex  = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig = "application/vnd.docker.container.image.v1+json"
)

// nesting is how many indexes may follow one another below index.json.
const nesting = 4

// layout is an OCI image layout that is being understood.
type layout struct {
	source source
	files  map[layoutFile]*layerFile
	seen   map[digest.Digest]bool // manifests and indexes of the entry that is being read
}

// layoutFile is a layer as a manifest and a config have it.
type layoutFile struct {
	blob, diffID digest.Digest
	size         int64
}

// readLayout finds the images of an OCI image layout; none if it is no such thing, or empty.
func readLayout(src source) ([]named, error) {
	raw, err := src.document(ocispec.ImageIndexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var index ocispec.Index
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, &DamagedError{ocispec.ImageIndexFile, err}
	}
	l := &layout{source: src, files: make(map[layoutFile]*layerFile)}
	return l.entries(index.Manifests)
}

// entries are what the descriptors of index.json lead to, one for each that leads to an image. If none does, the error
// tells of the first.
func (l *layout) entries(descs []ocispec.Descriptor) (all []named, err error) {
	var other error
	for _, desc := range descs {
		e, err := l.entry(desc)
		var unsupported *store.UnsupportedError
		if errors.As(err, &unsupported) {
			if other == nil {
				other = err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		all = add(all, e)
	}
	if len(all) == 0 {
		return nil, other
	}
	return all, nil
}

// add appends an entry, or adds its names to those of one for the same target.
func add(all []named, e named) []named {
	for i := range all {
		if all[i].target.desc.Digest == e.target.desc.Digest {
			all[i].names = append(all[i].names, e.names...)
			return all
		}
	}
	return append(all, e)
}

// entry reads what a descriptor of index.json leads to. A *store.UnsupportedError says that it is no image.
func (l *layout) entry(desc ocispec.Descriptor) (e named, err error) {
	e.names = layoutNames(desc)
	desc.Annotations = nil
	target, err := l.blob(desc)
	if err != nil {
		return e, err
	}
	e.target = &target
	l.seen = make(map[digest.Digest]bool)
	if err := l.images(&e, target, nesting); err != nil {
		return e, err
	}
	if len(e.images) == 0 {
		return e, &store.UnsupportedError{MediaType: desc.MediaType}
	}
	return e, nil
}

// layoutNames are the names of a descriptor: podman's and containerd's. What cannot be a name is none.
func layoutNames(desc ocispec.Descriptor) []string {
	for _, key := range []string{annotationName, ocispec.AnnotationRefName} {
		name, err := reference.ParseDockerRef(desc.Annotations[key])
		if err == nil && checkTarget(name, desc.Digest) {
			return []string{name.String()}
		}
	}
	return nil
}

// checkTarget tells whether a name may be given to what has that digest.
func checkTarget(name reference.Named, target digest.Digest) bool {
	digested, ok := name.(reference.Digested)
	return !ok || digested.Digest() == target
}

// blob reads and checks a document.
func (l *layout) blob(desc ocispec.Descriptor) (document, error) {
	if err := checkDigest(desc.Digest); err != nil {
		return document{}, damaged(ocispec.ImageIndexFile, "digest %w", err)
	}
	name := blobName(desc.Digest)
	raw, err := l.source.document(name)
	if errors.Is(err, fs.ErrNotExist) {
		return document{}, &DamagedError{name, errMissing}
	}
	if err != nil {
		return document{}, err
	}
	if got := digest.FromBytes(raw); got != desc.Digest {
		return document{}, &DamagedError{name, &store.DigestError{What: "blob", Want: desc.Digest, Got: got}}
	}
	if desc.Size != int64(len(raw)) {
		return document{}, wrongSize(name, int64(len(raw)), desc.Size)
	}
	return document{desc, raw}, nil
}

func wrongSize(name string, got, want int64) error {
	return damaged(name, "it has %d bytes, where its descriptor says %d", got, want)
}

var errMissing = errors.New("it is missing")

// manifest is a manifest or an index.
type manifest struct {
	MediaType string
	Config    ocispec.Descriptor
	Layers    []ocispec.Descriptor
	Manifests []ocispec.Descriptor
}

// images adds the images that a document leads to. What an index names and the archive does not have is passed over: it is
// of another platform.
func (l *layout) images(e *named, doc document, depth int) error {
	if l.seen[doc.desc.Digest] {
		return nil
	}
	l.seen[doc.desc.Digest] = true
	var m manifest
	if err := json.Unmarshal(doc.raw, &m); err != nil {
		return &DamagedError{blobName(doc.desc.Digest), err}
	}
	if len(m.Manifests) == 0 && !isIndex(m.MediaType) && !isIndex(doc.desc.MediaType) {
		return l.image(e, doc, m)
	}
	if depth == 0 {
		return nil
	}
	for _, desc := range m.Manifests {
		child, err := l.blob(desc)
		if err == nil {
			err = l.images(e, child, depth-1)
		}
		var other *store.UnsupportedError
		if errors.Is(err, errMissing) || errors.As(err, &other) {
			continue
		}
		if err != nil {
			return err
		}
	}
	if e.target.desc.Digest != doc.desc.Digest {
		e.others = append(e.others, doc)
	}
	return nil
}

func isIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerIndex
}

// image adds the image of a manifest.
func (l *layout) image(e *named, doc document, m manifest) error {
	if m.Config.MediaType != ocispec.MediaTypeImageConfig && m.Config.MediaType != dockerConfig || isAttestation(doc.desc) {
		return &store.UnsupportedError{MediaType: m.Config.MediaType}
	}
	config, err := l.blob(m.Config)
	if err != nil {
		return err
	}
	ids, err := diffIDs(config.raw)
	if err != nil {
		return &DamagedError{blobName(config.desc.Digest), err}
	}
	if len(ids) != len(m.Layers) {
		return damaged(blobName(doc.desc.Digest),
			"layers from manifest don't match image configuration: it has %d, its config %d", len(m.Layers), len(ids))
	}
	img := &image{manifest: doc, config: config}
	for i, desc := range m.Layers {
		if err := checkDigest(desc.Digest); err != nil {
			return damaged(blobName(doc.desc.Digest), "digest %w", err)
		}
		img.layers = append(img.layers, l.layer(desc, ids[i]))
	}
	e.images = append(e.images, img)
	return nil
}

func (l *layout) layer(desc ocispec.Descriptor, diffID digest.Digest) *layerFile {
	key := layoutFile{desc.Digest, diffID, desc.Size}
	if l.files[key] == nil {
		l.files[key] = &layerFile{name: blobName(desc.Digest), diffID: diffID, blob: desc}
	}
	return l.files[key]
}

// isAttestation tells whether an index lists desc although nothing runs it: BuildKit's provenance and the like.
func isAttestation(desc ocispec.Descriptor) bool {
	return desc.Platform != nil && desc.Platform.OS == "unknown" && desc.Platform.Architecture == "unknown"
}
