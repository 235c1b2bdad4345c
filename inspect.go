package imagefs

import (
	"bytes"
	"encoding/json"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store"
)

// ImageInspect is the object that `docker image inspect` prints: the fields and their order are those of docker 28 (moby
// api/types/image/image_inspect.go), of which the config's are those up to API 1.49.
type ImageInspect struct {
	ID              string `json:"Id"`
	RepoTags        []string
	RepoDigests     []string
	Parent          string
	Comment         string
	Created         string           `json:",omitempty"` // RFC 3339 with nanoseconds
	Container       string           `json:",omitempty"`
	ContainerConfig *ContainerConfig `json:",omitempty"`
	DockerVersion   string
	Author          string
	Config          *ContainerConfig
	Architecture    string
	Variant         string `json:",omitempty"`
	Os              string
	OsVersion       string `json:",omitempty"`
	Size            int64  // bytes
	VirtualSize     int64  // bytes
	GraphDriver     GraphDriver
	RootFS          RootFS
	Metadata        Metadata
	Descriptor      *ocispec.Descriptor `json:",omitempty"`
}

// GraphDriver is what keeps the image.
type GraphDriver struct {
	Data map[string]string
	Name string
}

// RootFS lists the image's diffIDs.
type RootFS struct {
	Type   string          `json:",omitempty"`
	Layers []digest.Digest `json:",omitempty"`
}

// Metadata is what the store, not the image, tells.
type Metadata struct {
	LastTagTime time.Time
}

// Inspect returns what `docker image inspect` prints for the image: a JSON array of one object, indented by four
// spaces, with a final newline.
func Inspect(s *store.Store, snap *store.Snapshot, img *store.Image) ([]byte, error) {
	c, err := readConfig(s, img)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode([]ImageInspect{inspect(c, snap, img)}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func inspect(c config, snap *store.Snapshot, img *store.Image) ImageInspect {
	names := namesOfImage(snap, img)
	target := img.Manifest
	if img.Index != nil {
		target = *img.Index
	}
	return ImageInspect{
		ID:              img.ID.String(),
		RepoTags:        names.repoTags(),
		RepoDigests:     names.repoDigests(),
		Parent:          c.Parent,
		Comment:         c.comment(),
		Created:         c.created(),
		Container:       c.Container,
		ContainerConfig: c.ContainerConfig,
		DockerVersion:   c.DockerVersion,
		Author:          c.Author,
		Config:          c.Config,
		Architecture:    c.Architecture,
		Variant:         c.Variant,
		Os:              c.OS,
		OsVersion:       c.OSVersion,
		Size:            img.Size,
		VirtualSize:     img.Size,
		GraphDriver:     GraphDriver{Name: "imagefs"},
		RootFS:          RootFS{Type: c.RootFS.Type, Layers: c.RootFS.DiffIDs},
		Metadata:        Metadata{LastTagTime: lastTagTime(snap, img)},
		Descriptor:      &target,
	}
}

func readConfig(s *store.Store, img *store.Image) (config, error) {
	raw, err := s.Blob(img.ID)
	if err != nil {
		return config{}, err
	}
	return parseConfig(raw)
}

// comment is the config's, or else that of its latest history entry, as docker has it.
func (c config) comment() string {
	if c.Comment == "" && len(c.History) > 0 {
		return c.History[len(c.History)-1].Comment
	}
	return c.Comment
}

func (c config) created() string {
	if c.Created == nil {
		return ""
	}
	return c.Created.Format(time.RFC3339Nano)
}

func lastTagTime(snap *store.Snapshot, img *store.Image) time.Time {
	var last time.Time
	for _, ref := range snap.References {
		for _, other := range ref.Images {
			if other.ID == img.ID && ref.Updated.After(last) {
				last = ref.Updated
			}
		}
	}
	return last.UTC()
}
