package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// pinFile is a file of pins: lines of sealed JSON, the last of which that is whole counts. It is written and read under
// ROOT/lock, and never replaced, as its lock would be lost; whoever writes it may be killed at any point.
type pinFile struct{ file *os.File }

func (f *pinFile) data() ([]byte, error) {
	info, err := f.file.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	n, err := f.file.ReadAt(data, 0)
	if n == len(data) {
		err = nil
	}
	return data[:n], err
}

func (f *pinFile) read() ([]pin, error) {
	data, err := f.data()
	if err != nil {
		return nil, err
	}
	pins, _, err := lastPins(data)
	return pins, err
}

// write adds a line; where there is room for it before the line that counts, it goes there, and the file ends after it.
// After an error the line that counted does still.
func (f *pinFile) write(pins []pin) error {
	body, err := json.Marshal(pins)
	if err != nil {
		return err
	}
	line := seal(body)
	data, err := f.data()
	if err != nil {
		return err
	}
	_, last, err := lastPins(data)
	if err != nil || last >= len(line) {
		if _, err := f.file.WriteAt(line, 0); err != nil {
			return err
		}
		return f.file.Truncate(int64(len(line)))
	}
	if len(data) > 0 && data[len(data)-1] != '\n' { // who wrote that was killed
		line = append([]byte{'\n'}, line...)
	}
	return extend(f.file, int64(len(data)), line)
}

var errPins = errors.New("no line of the file is whole")

// lastPins returns the line that counts, and where it begins. An empty file pins nothing.
func lastPins(data []byte) (pins []pin, at int, err error) {
	for end := len(data); end > 0; end = at {
		at = bytes.LastIndexByte(data[:end-1], '\n') + 1
		if body, err := unseal(data[at:end]); err == nil && data[end-1] == '\n' && json.Unmarshal(body, &pins) == nil {
			return pins, at, nil
		}
	}
	if len(data) > 0 {
		return nil, 0, errPins
	}
	return nil, 0, nil
}

// manifestOf is a descriptor with no more than the digest.
func manifestOf(p pin) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: p.Manifest}
}
