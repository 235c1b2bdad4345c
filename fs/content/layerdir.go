package content

import (
	"fmt"
	"path"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// Local ids of a layer's own nodes, as those of an image are.
const (
	layerFolder = iota
	createdByFile
	layerJSONFile
	layerTarFile
	whiteoutsFile
)

// layerDir is the directory of layer pos of an image.
type layerDir struct {
	im  *image
	pos int
}

// node implements owner.
func (d layerDir) node(local uint32) (node, error) {
	if local&treeBit != 0 {
		return d.im.diffs[d.pos].directory(local &^ treeBit)
	}
	return d.folder().find(d.id(local))
}

func (d layerDir) id(local uint32) uint64 { return nodeID(d.im.Number+1+uint32(d.pos), local) }

func (d layerDir) folder() folder {
	return folder{
		fs: d.im.fs, ident: d.id(layerFolder), above: nodeID(d.im.Number, layersFolder),
		where: d.im.where(d.im.layerName(d.pos)), mtime: d.im.Created, children: d.children,
	}
}

func (d layerDir) children() []child {
	return []child{
		d.shown("created_by", d.createdByText()),
		{name: "diff", format: unix.S_IFDIR, node: treeDir{&d.im.diffs[d.pos], 0}},
		d.shown("layer.json", d.text(layerJSONFile, "layer.json", d.layerJSON)),
		d.shown("layer.tar", layerTar{d}),
		d.shown("whiteouts", d.text(whiteoutsFile, "whiteouts", d.whiteouts)),
	}
}

func (d layerDir) shown(name string, n node) child {
	return child{name: name, format: unix.S_IFREG, node: n}
}

func (d layerDir) createdByText() text { return d.text(createdByFile, "created_by", d.createdBy) }

func (d layerDir) text(local uint32, name string, make generator) text {
	return text{im: d.im, ident: d.id(local), where: path.Join(d.im.layerName(d.pos), name), make: make}
}

// layerFolders are the children of layers/.
func (im *image) layerFolders() []child {
	list := make([]child, len(im.Chains))
	for k := range list {
		list[k] = child{name: path.Base(im.layerName(k)), format: unix.S_IFDIR, node: layerDir{im, k}.folder()}
	}
	return list
}

// layerName is the path of layer k's directory below the image.
func (im *image) layerName(k int) string {
	return fmt.Sprintf("layers/%s-%.12s", im.position(k), im.Chains[k].DiffID.Encoded())
}

// position is layer k's number as its directory has it: with two digits, or as many as the highest needs.
func (im *image) position(k int) string {
	width := max(2, len(fmt.Sprint(len(im.Chains)-1)))
	return fmt.Sprintf("%0*d", width, k)
}

// layerTar is a layer's original, uncompressed tar.
type layerTar struct{ layerDir }

func (t layerTar) id() uint64   { return t.layerDir.id(layerTarFile) }
func (t layerTar) path() string { return t.im.where(path.Join(t.im.layerName(t.pos), "layer.tar")) }

func (t layerTar) attr(a *fuse.Attr) error {
	l, err := t.im.layer(t.pos)
	if err != nil {
		return err
	}
	t.im.fs.fill(a, unix.S_IFREG|0o444, 1, l.TarSize(), t.im.Created)
	return nil
}

func (t layerTar) readAt(p []byte, off int64) (int, error) {
	l, err := t.im.layer(t.pos)
	if err != nil {
		return 0, err
	}
	return l.ReadTarAt(p, off)
}
