package imagefs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// config is an image's configuration: the OCI image specification's, with what docker's builders add to it.
type config struct {
	Created      *time.Time `json:"created"`
	Author       string     `json:"author"`
	Architecture string     `json:"architecture"`
	Variant      string     `json:"variant"`
	OS           string     `json:"os"`
	OSVersion    string     `json:"os.version"`
	OSFeatures   []string   `json:"os.features"`
	RootFS       struct {
		Type    string          `json:"type"`
		DiffIDs []digest.Digest `json:"diff_ids"`
	} `json:"rootfs"`
	History []ocispec.History `json:"history"`
	Config  *ContainerConfig  `json:"config"`

	Comment         string           `json:"comment"`
	Container       string           `json:"container"`
	ContainerConfig *ContainerConfig `json:"container_config"`
	DockerVersion   string           `json:"docker_version"`
	Parent          string           `json:"parent"`
}

func parseConfig(raw []byte) (config, error) {
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("invalid image configuration: %w", err)
	}
	return c, nil
}

// ContainerConfig is how a container of the image is to run, with the keys of docker's API (moby
// api/types/container/config.go) in its order. An image's config spells them the same.
type ContainerConfig struct {
	Hostname        string
	Domainname      string
	User            string
	AttachStdin     bool
	AttachStdout    bool
	AttachStderr    bool
	ExposedPorts    map[string]struct{} `json:",omitempty"`
	Tty             bool
	OpenStdin       bool
	StdinOnce       bool
	Env             []string
	Cmd             words
	Healthcheck     *Healthcheck `json:",omitempty"`
	ArgsEscaped     bool         `json:",omitempty"`
	Image           string
	Volumes         map[string]struct{}
	WorkingDir      string
	Entrypoint      words
	NetworkDisabled bool   `json:",omitempty"`
	MacAddress      string `json:",omitempty"`
	OnBuild         []string
	Labels          map[string]string
	StopSignal      string `json:",omitempty"`
	StopTimeout     *int   `json:",omitempty"` // seconds
	Shell           words  `json:",omitempty"`
}

// Healthcheck tells how to test that a container works. Durations are in nanoseconds.
type Healthcheck struct {
	Test          []string `json:",omitempty"`
	Interval      int64    `json:",omitempty"`
	Timeout       int64    `json:",omitempty"`
	StartPeriod   int64    `json:",omitempty"`
	StartInterval int64    `json:",omitempty"`
	Retries       int      `json:",omitempty"`
}

// words is a list of strings which old images write as one string.
type words []string

func (w *words) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte{'"'}) {
		return json.Unmarshal(data, (*[]string)(w))
	}
	var one string
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*w = words{one}
	return nil
}
