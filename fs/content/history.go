package content

import (
	"encoding/json"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// createdBy is the instruction that made the layer, and a newline; nothing if the config does not tell.
func (d layerDir) createdBy(*store.Snapshot) ([]byte, error) {
	h, err := d.history()
	if err != nil || h.CreatedBy == "" {
		return nil, err
	}
	return []byte(h.CreatedBy + "\n"), nil
}

// layerJSON is what layer.json says.
type layerJSON struct {
	DiffID    digest.Digest `json:"diffID"`  // of the uncompressed tar
	ChainID   digest.Digest `json:"chainID"` // of this layer and those below it
	MediaType string        `json:"mediaType"`
	Digest    digest.Digest `json:"digest"` // of the blob
	Size      int64         `json:"size"`   // of the blob, bytes
	TarSize   int64         `json:"tarSize"`
	Created   *time.Time    `json:"created,omitempty"`
	CreatedBy string        `json:"created_by,omitempty"`
	Author    string        `json:"author,omitempty"`
	Comment   string        `json:"comment,omitempty"`
}

func (d layerDir) layerJSON(*store.Snapshot) ([]byte, error) {
	h, err := d.history()
	if err != nil {
		return nil, err
	}
	l, err := d.im.layer(d.pos)
	if err != nil {
		return nil, err
	}
	blob, chain := d.im.Layers[d.pos], d.im.Chains[d.pos]
	data, err := json.MarshalIndent(layerJSON{
		DiffID: chain.DiffID, ChainID: chain.ChainID,
		MediaType: blob.MediaType, Digest: blob.Digest, Size: blob.Size, TarSize: l.TarSize(),
		Created: h.Created, CreatedBy: h.CreatedBy, Author: h.Author, Comment: h.Comment,
	}, "", "    ")
	return append(data, '\n'), err
}

// history returns what the config tells of the layer: entry pos of those that made one.
func (d layerDir) history() (ocispec.History, error) {
	data, err := d.im.fs.store.Blob(d.im.Config.Digest)
	if err != nil {
		return ocispec.History{}, err
	}
	var config struct {
		History []ocispec.History `json:"history"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return ocispec.History{}, err
	}
	layers := 0
	for _, h := range config.History {
		if h.EmptyLayer {
			continue
		}
		if layers == d.pos {
			return h, nil
		}
		layers++
	}
	return ocispec.History{}, nil
}
