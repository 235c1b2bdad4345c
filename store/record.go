package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// formatVersion is the format of what this package writes beside the image layout. A store of a later one is refused.
const formatVersion = 1

// record is one line of ROOT/numbers, sealed JSON. One of the fields is set; the first line has Format.
type record struct {
	Format int          `json:"format,omitempty"`
	Chain  *chainRecord `json:"chain,omitempty"`
	Image  *imageRecord `json:"image,omitempty"`
}

// chainRecord gives a chain its number.
type chainRecord struct {
	Number   uint32        `json:"number"`
	ChainID  digest.Digest `json:"chainID"`
	DiffID   digest.Digest `json:"diffID"`
	Position int           `json:"position"` // 0 for a chain of one layer
}

// imageRecord gives an image its number and those of its layers' diffs, which follow it, and keeps what a snapshot tells
// of the image: an image stays what it was when it was first published, and is listed even if its config is damaged.
type imageRecord struct {
	Number   uint32               `json:"number"`
	Count    uint32               `json:"count"` // of numbers: 1 and the layers
	ID       digest.Digest        `json:"id"`
	Manifest ocispec.Descriptor   `json:"manifest"`
	Index    *ocispec.Descriptor  `json:"index,omitempty"`
	Config   ocispec.Descriptor   `json:"config"`
	Layers   []ocispec.Descriptor `json:"layers"`
	Chains   []uint32             `json:"chains"` // numbers of chain records above this line
	Size     int64                `json:"size"`
	Created  time.Time            `json:"created,omitzero"`
}

var errRecord = errors.New("not a record")

func (r record) marshal() ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return seal(data), nil
}

// parseRecord reads a line.
func parseRecord(line []byte) (record, error) {
	var r record
	data, err := unseal(line)
	if err != nil {
		return r, err
	}
	if r, ok := scanRecord(string(data)); ok {
		return r, nil
	}
	return r, json.Unmarshal(data, &r)
}

// seal makes a line of data: its CRC-32C as eight hex digits, a space, the data, a newline.
func seal(data []byte) []byte {
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(data, castagnoli), data)
}

// unseal returns the data of a line, whose newline may be missing.
func unseal(line []byte) ([]byte, error) {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	if len(line) < 9 || line[8] != ' ' {
		return nil, errRecord
	}
	sum, err := strconv.ParseUint(string(line[:8]), 16, 32)
	if err != nil || crc32.Checksum(line[9:], castagnoli) != uint32(sum) {
		return nil, errRecord
	}
	return line[9:], nil
}
