package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Annotations of the descriptors in index.json that are references.
const (
	annotationName    = "io.containerd.image.name"
	annotationUpdated = "io.imagefs.updated" // RFC 3339 with nanoseconds
)

// maxIndex is how large index.json may be, in bytes.
const maxIndex = 256 << 20

// index is index.json: its descriptors and, as they stand, what else it holds. It is not changed once others have it.
type index struct {
	fields  map[string]json.RawMessage // but "manifests"
	entries []*entry
}

// entry is a descriptor in index.json. It never changes.
type entry struct {
	raw     json.RawMessage // as it stands in the file
	desc    ocispec.Descriptor
	name    string // full and normalised; "" for none
	updated time.Time
}

func emptyIndex() *index {
	return &index{fields: map[string]json.RawMessage{
		"schemaVersion": json.RawMessage("2"),
		"mediaType":     json.RawMessage(`"` + ocispec.MediaTypeImageIndex + `"`),
	}}
}

// readIndex reads index.json. Entries of known, by their raw bytes, are taken from there. The state is the file's when
// it was read.
func readIndex(path string, known map[string]*entry) (*index, fileState, error) {
	for {
		before, err := stateOfPath(path)
		if err != nil {
			return nil, before, err
		}
		data, err := readRegular(path, maxIndex)
		if err != nil {
			return nil, before, err
		}
		// Other programs write it in place: what was read in the middle of that is read again.
		after, err := stateOfPath(path)
		if err != nil {
			return nil, before, err
		}
		if before != after {
			continue
		}
		x, err := parseIndex(data, known)
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return x, after, err
	}
}

func parseIndex(data []byte, known map[string]*entry) (*index, error) {
	x := &index{}
	if err := json.Unmarshal(data, &x.fields); err != nil {
		return nil, err
	}
	manifests := x.fields["manifests"]
	delete(x.fields, "manifests")
	if len(manifests) > 0 && manifests[0] != '[' && string(manifests) != "null" {
		return nil, errors.New("its manifests are not an array")
	}
	for _, raw := range elements(manifests) {
		e := known[string(raw)]
		if e == nil {
			e = parseEntry(bytes.Clone(raw))
		}
		x.entries = append(x.entries, e)
	}
	return x, nil
}

// elements splits a JSON array, which is valid; anything else has none. It takes a fifth of the time of json.Unmarshal,
// which looks at each byte four times.
func elements(array json.RawMessage) (found []json.RawMessage) {
	depth, start := 0, 0
	for i := 0; i < len(array); i++ {
		switch array[i] {
		case '"':
			i += stringLen(array[i:]) - 1
		case '[', '{':
			if depth++; depth == 1 {
				start = i + 1
			}
		case ',', ']', '}':
			if array[i] != ',' {
				depth--
			}
			if depth == 0 || depth == 1 && array[i] == ',' {
				if e := bytes.TrimSpace(array[start:i]); len(e) > 0 {
					found = append(found, e)
				}
				start = i + 1
			}
		}
	}
	return found
}

// stringLen is the length of the JSON string that b starts with, quotes included.
func stringLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// parseEntry reads a descriptor. One that is none is kept as it stands, and leads nowhere.
func parseEntry(raw json.RawMessage) *entry {
	e := &entry{raw: raw}
	if json.Unmarshal(raw, &e.desc) != nil {
		return &entry{raw: raw}
	}
	updated := e.desc.Annotations[annotationUpdated]
	e.updated, _ = time.Parse(time.RFC3339Nano, updated)
	e.name = nameOf(e.desc.Annotations)
	return e
}

// nameOf returns the normalised name that annotations give, or "".
func nameOf(annotations map[string]string) string {
	for _, key := range []string{annotationName, ocispec.AnnotationRefName} {
		if annotations[key] == "" {
			continue
		}
		if named, err := reference.ParseDockerRef(annotations[key]); err == nil {
			return named.String()
		}
	}
	return ""
}

func newEntry(target ocispec.Descriptor, name string, now time.Time) (*entry, error) {
	annotations := map[string]string{}
	for key, value := range unnamed(target).Annotations {
		annotations[key] = value
	}
	if name != "" {
		annotations[ocispec.AnnotationRefName] = name
		annotations[annotationName] = name
		annotations[annotationUpdated] = now.UTC().Format(time.RFC3339Nano)
	}
	target.Annotations = annotations
	raw, err := json.Marshal(target)
	if err != nil {
		return nil, err
	}
	return parseEntry(raw), nil
}

// unnamed returns the descriptor without the annotations that make it a reference.
func unnamed(desc ocispec.Descriptor) ocispec.Descriptor {
	annotations := map[string]string{}
	for key, value := range desc.Annotations {
		switch key {
		case ocispec.AnnotationRefName, annotationName, annotationUpdated:
		default:
			annotations[key] = value
		}
	}
	desc.Annotations = annotations
	if len(annotations) == 0 {
		desc.Annotations = nil
	}
	return desc
}

// set returns the index in which name is target's, and whether that is a change. What name was before stays without a
// name, if nothing else keeps it. An empty name keeps target without one.
func (x *index) set(name string, target ocispec.Descriptor, now time.Time) (*index, bool, error) {
	if x.has(name, target) {
		return x, false, nil
	}
	set, replaced := x.without(func(e *entry) bool { return e.name == name && name != "" })
	e, err := newEntry(target, name, now)
	if err != nil {
		return nil, false, err
	}
	set.entries = append(set.entries, e)
	return set, true, set.keep(replaced)
}

// without returns the index without the entries that are not wanted, and these.
func (x *index) without(unwanted func(*entry) bool) (rest *index, gone []*entry) {
	rest = &index{fields: x.fields, entries: make([]*entry, 0, len(x.entries)+1)}
	for _, e := range x.entries {
		if unwanted(e) {
			gone = append(gone, e)
		} else {
			rest.entries = append(rest.entries, e)
		}
	}
	return rest, gone
}

// keep adds, without a name, those of entries whose target nothing else keeps. Nobody else has the index yet.
func (x *index) keep(entries []*entry) error {
	for _, e := range entries {
		if x.has("", e.desc) {
			continue
		}
		raw, err := e.withoutName()
		if err != nil {
			return err
		}
		x.entries = append(x.entries, parseEntry(raw))
	}
	return nil
}

// has tells whether name is target's or, for an empty name, whether any entry keeps target.
func (x *index) has(name string, target ocispec.Descriptor) bool {
	i := slices.IndexFunc(x.entries, func(e *entry) bool {
		return e.name == name && name != "" || name == "" && e.desc.Digest == target.Digest
	})
	return i >= 0 && x.entries[i].desc.Digest == target.Digest
}

// withoutName is the entry's JSON without what makes it a reference.
func (e *entry) withoutName() (json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(e.raw, &fields); err != nil {
		return nil, err
	}
	delete(fields, "annotations")
	if kept := unnamed(e.desc).Annotations; kept != nil {
		raw, err := json.Marshal(kept)
		if err != nil {
			return nil, err
		}
		fields["annotations"] = raw
	}
	return json.Marshal(fields)
}

// marshal is the file: a line for each field, and for each descriptor.
func (x *index) marshal() []byte {
	var b bytes.Buffer
	b.WriteString("{\n")
	for _, key := range slices.Sorted(maps.Keys(x.fields)) {
		name, _ := json.Marshal(key) // a string always can be
		fmt.Fprintf(&b, "  %s: %s,\n", name, x.fields[key])
	}
	b.WriteString("  \"manifests\": [")
	for i, e := range x.entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		b.Write(e.raw)
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes()
}

// writeIndex replaces index.json.
func (s *Store) writeIndex(x *index) error {
	return s.writeFile(s.path(ocispec.ImageIndexFile), x.marshal())
}
