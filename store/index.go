package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

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
	raw     string             // as it stands in the file
	desc    ocispec.Descriptor // without the annotations that make it a reference
	name    string             // full and normalised; "" for none
	updated time.Time
}

// naming is the annotations that make a descriptor a reference.
type naming struct{ name, refName, updated string }

// take takes an annotation, if it is one of them.
func (n *naming) take(key, value string) bool {
	switch key {
	case annotationName:
		n.name = value
	case ocispec.AnnotationRefName:
		n.refName = value
	case annotationUpdated:
		n.updated = value
	default:
		return false
	}
	return true
}

func emptyIndex() *index {
	return &index{fields: map[string]json.RawMessage{
		"schemaVersion": json.RawMessage("2"),
		"mediaType":     json.RawMessage(`"` + ocispec.MediaTypeImageIndex + `"`),
	}}
}

// indexFile is index.json as it was read, in that state.
type indexFile struct {
	path  string // "" if all is known that it says
	state fileState
	data  string
	known *index // what was read before, or nil
}

func readIndex(path string, known *index) (*indexFile, error) {
	file := &indexFile{path: path, known: known}
	var err error
	file.state, err = whileStable(path, func() (err error) {
		file.data, err = readText(path, maxIndex)
		return err
	})
	return file, err
}

// whileStable has read read a file, and returns the state it was in. Other programs write index.json in place: what was
// read in the middle of that is read again.
func whileStable(path string, read func() error) (fileState, error) {
	for {
		before, err := stateOfPath(path)
		if err != nil {
			return fileState{}, err
		}
		if err := read(); err != nil {
			return fileState{}, err
		}
		after, err := stateOfPath(path)
		if err != nil || before == after {
			return after, err
		}
	}
}

// parse takes the entries that are known, by their bytes, from there.
func (f *indexFile) parse() (*index, error) {
	if f.path == "" {
		return f.known, nil
	}
	known := map[string]*entry{}
	if f.known != nil {
		for _, e := range f.known.entries {
			known[e.raw] = e
		}
	}
	x, err := parseIndex(f.data, known)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return x, nil
}

func parseIndex(data string, known map[string]*entry) (*index, error) {
	x := &index{}
	if x.scan(data, known) {
		return x, nil
	}
	raws, err := x.unmarshal([]byte(data))
	if err != nil {
		return nil, err
	}
	x.entries = make([]*entry, 0, len(raws))
	for _, raw := range raws {
		x.entries = append(x.entries, knownEntry(raw, known))
	}
	return x, nil
}

// scan reads the file; false if encoding/json has to.
func (x *index) scan(data string, known map[string]*entry) bool {
	p := &scan{s: data}
	x.fields, x.entries = map[string]json.RawMessage{}, nil
	p.object(func(key string) {
		if key == "manifests" {
			p.array(func() { x.entries = append(x.entries, p.entry(known)) })
			return
		}
		x.fields[key] = json.RawMessage(p.value())
	})
	return p.end()
}

// entry reads a descriptor in one go if none is known, so that it cannot be one of them.
func (p *scan) entry(known map[string]*entry) *entry {
	if len(known) == 0 {
		p.space()
		q := *p
		if e := q.reference(); !q.failed {
			*p = q
			return e
		}
	}
	return knownEntry(p.value(), known)
}

// knownEntry takes an entry from known, or reads it.
func knownEntry(raw string, known map[string]*entry) *entry {
	if e := known[raw]; e != nil {
		return e
	}
	if len(known) > 0 {
		raw = strings.Clone(raw) // or it would keep the whole file in memory
	}
	return parseEntry(raw)
}

// unmarshal is scan for what scan does not know.
func (x *index) unmarshal(data []byte) (manifests []string, err error) {
	x.fields = nil
	if err := json.Unmarshal(data, &x.fields); err != nil {
		return nil, err
	}
	var raws []json.RawMessage
	if raw := x.fields["manifests"]; raw != nil {
		if err := json.Unmarshal(raw, &raws); err != nil {
			return nil, errors.New("its manifests are not an array")
		}
	}
	delete(x.fields, "manifests")
	for _, raw := range raws {
		manifests = append(manifests, string(raw))
	}
	return manifests, nil
}

// parseEntry reads a descriptor. One that is none is kept as it stands, and leads nowhere.
func parseEntry(raw string) *entry {
	p := &scan{s: raw}
	if e := p.reference(); p.end() {
		return e
	}
	var desc ocispec.Descriptor
	if json.Unmarshal([]byte(raw), &desc) != nil {
		return &entry{raw: raw}
	}
	n := &naming{}
	return n.entry(raw, n.takeFrom(desc))
}

// reference reads an entry.
func (p *scan) reference() *entry {
	var n naming
	p.space()
	start := p.i
	desc := p.annotated(n.take)
	return n.entry(p.s[start:p.i], desc)
}

func (n *naming) entry(raw string, desc ocispec.Descriptor) *entry {
	e := &entry{raw: raw, desc: desc, name: nameOf(n.name, n.refName)}
	e.updated, _ = time.Parse(time.RFC3339Nano, n.updated)
	return e
}

func newEntry(target ocispec.Descriptor, name string, now time.Time) (*entry, error) {
	target = unnamed(target)
	if name != "" {
		annotations := map[string]string{
			ocispec.AnnotationRefName: name, annotationName: name, annotationUpdated: now.UTC().Format(time.RFC3339Nano),
		}
		maps.Copy(annotations, target.Annotations)
		target.Annotations = annotations
	}
	raw, err := json.Marshal(target)
	if err != nil {
		return nil, err
	}
	return parseEntry(string(raw)), nil
}

// unnamed returns the descriptor without the annotations that make it a reference.
func unnamed(desc ocispec.Descriptor) ocispec.Descriptor { return new(naming).takeFrom(desc) }

// takeFrom returns the descriptor without the annotations that it takes.
func (n *naming) takeFrom(desc ocispec.Descriptor) ocispec.Descriptor {
	var others map[string]string
	for key, value := range desc.Annotations {
		if n.take(key, value) {
			continue
		}
		if others == nil {
			others = map[string]string{}
		}
		others[key] = value
	}
	desc.Annotations = others
	return desc
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
func (e *entry) withoutName() (string, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(e.raw), &fields); err != nil {
		return "", err
	}
	delete(fields, "annotations")
	if kept := e.desc.Annotations; kept != nil {
		raw, err := json.Marshal(kept)
		if err != nil {
			return "", err
		}
		fields["annotations"] = raw
	}
	raw, err := json.Marshal(fields)
	return string(raw), err
}

// writeTo writes the file: a line for each field, and for each descriptor.
func (x *index) writeTo(w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	b.WriteString("{\n")
	for _, key := range slices.Sorted(maps.Keys(x.fields)) {
		name, _ := json.Marshal(key) // a string always can be
		fmt.Fprintf(b, "  %s: %s,\n", name, x.fields[key])
	}
	b.WriteString("  \"manifests\": [")
	for i, e := range x.entries {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    ")
		b.WriteString(e.raw)
	}
	b.WriteString("\n  ]\n}\n")
	return b.Flush()
}
