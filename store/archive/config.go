package archive

import (
	"encoding/json"
	"fmt"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// diffIDs reads those of a config.
func diffIDs(config []byte) ([]digest.Digest, error) {
	var c struct {
		RootFS ocispec.RootFS `json:"rootfs"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("invalid image configuration: %w", err)
	}
	for _, d := range c.RootFS.DiffIDs {
		if err := checkDigest(d); err != nil {
			return nil, fmt.Errorf("invalid image configuration: diffID %w", err)
		}
	}
	return c.RootFS.DiffIDs, nil
}

func checkDigest(d digest.Digest) error {
	err := d.Validate()
	if err == nil && d.Algorithm() != digest.SHA256 {
		err = digest.ErrDigestUnsupported
	}
	if err != nil {
		return fmt.Errorf("%q: %w", d, err)
	}
	return nil
}
