package content

import (
	"fmt"
	"path"
	"sync/atomic"
	"time"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
)

// Local ids of an image's own nodes. They are what the kernel remembers: a new one goes to the end.
const (
	imageFolder = iota
	aliasFile
	inspectFile
	configFile
	manifestFile
	indexFile
	historyFile
	historyJSONFile
	digestFile
	createdFile
	sizeFile
	platformsFile
	layersFolder
	ociFolder
	ociLayoutFile
	ociIndexFile
	blobsFolder
	sha256Folder
	imageTarFile
	ociTarFile
)

// image is one image with what is open of it. It outlives views.
type image struct {
	*store.Image
	fs     *FS
	layers []atomic.Pointer[layer.Layer] // opened when needed
	rootfs subtree
	diffs  []subtree // one a layer
	missed missed

	// The names that image.tar and oci.tar were last told to have; nil before.
	dockerNames, ociNames atomic.Pointer[string]
}

func newImage(f *FS, stored *store.Image) *image {
	im := &image{
		Image: stored, fs: f,
		layers: make([]atomic.Pointer[layer.Layer], len(stored.Chains)),
		diffs:  make([]subtree, len(stored.Chains)),
	}
	im.rootfs.im, im.rootfs.pos = im, whole
	for k := range im.diffs {
		im.diffs[k].im, im.diffs[k].pos = im, k
	}
	return im
}

// layer opens layer k.
func (im *image) layer(k int) (*layer.Layer, error) {
	if l := im.layers[k].Load(); l != nil {
		return l, nil
	}
	l, err := im.fs.store.Layer(im.Chains[k].DiffID)
	if err != nil {
		return nil, err
	}
	im.layers[k].Store(l)
	return l, nil
}

// node implements owner.
func (im *image) node(local uint32) (node, error) {
	switch {
	case local&treeBit != 0:
		return im.rootfs.directory(local &^ treeBit)
	case local >= firstBlob:
		return im.blob(local - firstBlob)
	case local == aliasFile:
		return aliasLink{im}, nil
	case local == imageTarFile:
		return im.imageTar(), nil // no search for each READ of these
	case local == ociTarFile:
		return im.ociTar(), nil
	}
	return im.dir().find(nodeID(im.Number, local))
}

func (im *image) dir() folder { return im.folder(imageFolder, rootID, "", im.children) }

func (im *image) children() []child {
	list := []child{
		im.raw(configFile, "config.json", im.Config.Digest),
		im.line(createdFile, "created", im.Created.Format(time.RFC3339Nano)),
		im.line(digestFile, "digest", im.Manifest.Digest.String()),
		im.text(historyFile, "history", im.history(imagefs.HistoryTable)),
		im.text(historyJSONFile, "history.json", im.history(imagefs.HistoryJSON)),
		im.file("image.tar", im.imageTar()),
	}
	if im.Index != nil {
		list = append(list, im.raw(indexFile, "index.json", im.Index.Digest))
	}
	return append(list,
		im.live(inspectFile, "inspect.json", im.inspect),
		im.subfolder(layersFolder, imageFolder, "layers", im.layerFolders),
		im.raw(manifestFile, "manifest.json", im.Manifest.Digest),
		im.subfolder(ociFolder, imageFolder, "oci", im.ociChildren),
		im.file("oci.tar", im.ociTar()),
		im.live(platformsFile, "platforms", im.platforms),
		child{name: "rootfs", format: unix.S_IFDIR, node: treeDir{&im.rootfs, 0}},
		im.line(sizeFile, "size", fmt.Sprint(im.Size)),
	)
}

func (im *image) inspect(snap *store.Snapshot) ([]byte, error) {
	return imagefs.Inspect(im.fs.store, snap, im.Image)
}

func (im *image) history(format func([]imagefs.HistoryEntry) []byte) generator {
	return func(*store.Snapshot) ([]byte, error) {
		rows, err := imagefs.History(im.fs.store, im.Image)
		if err != nil {
			return nil, err
		}
		return format(rows), nil
	}
}

// What follows makes the nodes of an image's own files and directories, by their paths below the image.

func (im *image) folder(local uint32, above uint64, where string, children func() []child) folder {
	return folder{
		fs: im.fs, ident: nodeID(im.Number, local), above: above, where: im.where(where), mtime: im.Created,
		children: children,
	}
}

func (im *image) subfolder(local, above uint32, where string, children func() []child) child {
	d := im.folder(local, nodeID(im.Number, above), where, children)
	return child{name: path.Base(where), format: unix.S_IFDIR, node: d}
}

func (im *image) text(local uint32, where string, make generator) child {
	return im.file(where, text{im: im, ident: nodeID(im.Number, local), where: where, make: make})
}

func (im *image) live(local uint32, where string, make generator) child {
	return im.file(where, text{im: im, ident: nodeID(im.Number, local), where: where, make: make, live: true})
}

func (im *image) line(local uint32, where, line string) child {
	return im.text(local, where, constant([]byte(line+"\n")))
}

func (im *image) raw(local uint32, where string, d digest.Digest) child {
	return im.file(where, blob{im: im, ident: nodeID(im.Number, local), where: where, digest: d})
}

func (im *image) file(where string, n node) child {
	return child{name: path.Base(where), format: unix.S_IFREG, node: n}
}

// where is the path below the mount of a path below the image.
func (im *image) where(below string) string { return path.Join(im.ID.Encoded(), below) }
