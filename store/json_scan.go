package store

import (
	"strconv"
	"strings"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// scan reads JSON as this package writes it, without reflection, which a store of a thousand images would be opened ten
// times as slowly with. It understands less than encoding/json: on what it does not understand (escapes, letters beyond
// ASCII, keys that are not ours, anything that is not well-formed) it fails, and its caller asks encoding/json.
// FuzzScan compares the two.
type scan struct {
	s      string
	i      int
	failed bool
}

// end tells whether all was understood.
func (p *scan) end() bool {
	p.space()
	return !p.failed && p.i == len(p.s)
}

func (p *scan) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\n' || p.s[p.i] == '\t' || p.s[p.i] == '\r') {
		p.i++
	}
}

// next tells whether c comes next, and passes over it.
func (p *scan) next(c byte) bool {
	p.space()
	if p.failed || p.i == len(p.s) || p.s[p.i] != c {
		return false
	}
	p.i++
	return true
}

func (p *scan) expect(c byte) {
	if !p.next(c) {
		p.failed = true
	}
}

// object calls field for each key, which reads its value.
func (p *scan) object(field func(key string)) {
	p.expect('{')
	if p.next('}') {
		return
	}
	var seen [16]string // encoding/json merges the values of a key that comes twice
	for n := 0; !p.failed; n++ {
		key := p.text()
		p.expect(':')
		for _, k := range seen[:min(n, len(seen))] {
			p.failed = p.failed || k == key
		}
		if n >= len(seen) {
			p.failed = true
		}
		if p.failed {
			return
		}
		seen[n] = key
		field(key)
		if !p.next(',') {
			p.expect('}')
			return
		}
	}
}

// array calls element for each element, which reads it.
func (p *scan) array(element func()) {
	p.expect('[')
	if p.next(']') {
		return
	}
	for !p.failed {
		element()
		if !p.next(',') {
			p.expect(']')
			return
		}
	}
}

func (p *scan) text() string {
	p.expect('"')
	start := p.i
	p.plain()
	if p.i == len(p.s) || p.s[p.i] != '"' {
		p.failed = true
		return ""
	}
	p.i++
	return p.s[start : p.i-1]
}

// plain passes over bytes of a string that stand for themselves, eight at a time.
func (p *scan) plain() {
	s, i := p.s, p.i
	for i+8 <= len(s) && arePlain(word(s[i:i+8])) {
		i += 8
	}
	for i < len(s) && isPlain[s[i]] {
		i++
	}
	p.i = i
}

// word is eight bytes as a number, which the compiler makes one load.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// arePlain is isPlain of eight bytes. It may take plain bytes for others, never others for plain ones.
func arePlain(w uint64) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	isZero := func(w uint64) uint64 { return (w - ones) &^ w }
	special := w | (w - ones*' ') | isZero(w^ones*'"') | isZero(w^ones*'\\') | isZero(w^ones*0x7f)
	return special&highs == 0
}

// isPlain knows what is printable ASCII, and neither a quote nor a backslash.
var isPlain = func() (plain [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// number reads a whole number that is not negative.
func (p *scan) number(bits int) uint64 {
	p.space()
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	n, err := strconv.ParseUint(p.s[start:p.i], 10, bits)
	if err != nil || p.s[start] == '0' && p.i > start+1 {
		p.failed = true
	}
	return n
}

func (p *scan) size() int64           { return int64(p.number(63)) }
func (p *scan) digest() digest.Digest { return digest.Digest(p.text()) }

// time reads a time in UTC.
func (p *scan) time() time.Time {
	text := p.text()
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !strings.HasSuffix(text, "Z") || strings.Contains(text, ",") {
		p.failed = true
	}
	return t
}

func (p *scan) descriptor() ocispec.Descriptor { return p.annotated(nil) }

// annotated reads a descriptor, without the annotations that taken takes.
func (p *scan) annotated(taken func(key, value string) bool) (d ocispec.Descriptor) {
	p.object(func(key string) {
		switch key {
		case "mediaType":
			d.MediaType = p.text()
		case "digest":
			d.Digest = p.digest()
		case "size":
			d.Size = p.size()
		case "annotations":
			d.Annotations = p.annotations(taken)
		case "platform":
			d.Platform = p.platform()
		case "artifactType":
			d.ArtifactType = p.text()
		default:
			p.failed = true
		}
	})
	return d
}

func (p *scan) annotations(taken func(key, value string) bool) (all map[string]string) {
	if taken == nil {
		all = map[string]string{}
	}
	p.object(func(key string) {
		value := p.text()
		if taken != nil && taken(key, value) {
			return
		}
		if all == nil {
			all = map[string]string{}
		}
		all[key] = value
	})
	return all
}

func (p *scan) platform() *ocispec.Platform {
	all := &ocispec.Platform{}
	p.object(func(key string) {
		switch key {
		case "architecture":
			all.Architecture = p.text()
		case "os":
			all.OS = p.text()
		case "variant":
			all.Variant = p.text()
		default:
			p.failed = true
		}
	})
	return all
}

// scanRecord reads a line of ROOT/numbers.
func scanRecord(line string) (r record, ok bool) {
	p := &scan{s: line}
	p.object(func(key string) {
		switch key {
		case "format":
			r.Format = int(p.number(31))
		case "chain":
			r.Chain = p.chain()
		case "image":
			r.Image = p.image()
		default:
			p.failed = true
		}
	})
	return r, p.end()
}

func (p *scan) chain() *chainRecord {
	c := &chainRecord{}
	p.object(func(key string) {
		switch key {
		case "number":
			c.Number = uint32(p.number(32))
		case "chainID":
			c.ChainID = p.digest()
		case "diffID":
			c.DiffID = p.digest()
		case "position":
			c.Position = int(p.number(31))
		default:
			p.failed = true
		}
	})
	return c
}

func (p *scan) image() *imageRecord {
	r := &imageRecord{}
	p.object(func(key string) {
		switch key {
		case "number":
			r.Number = uint32(p.number(32))
		case "count":
			r.Count = uint32(p.number(32))
		case "id":
			r.ID = p.digest()
		case "manifest":
			r.Manifest = p.descriptor()
		case "index":
			index := p.descriptor()
			r.Index = &index
		case "config":
			r.Config = p.descriptor()
		case "layers":
			r.Layers = []ocispec.Descriptor{}
			p.array(func() { r.Layers = append(r.Layers, p.descriptor()) })
		case "chains":
			r.Chains = []uint32{}
			p.array(func() { r.Chains = append(r.Chains, uint32(p.number(32))) })
		case "size":
			r.Size = p.size()
		case "created":
			r.Created = p.time()
		default:
			p.failed = true
		}
	})
	return r
}
