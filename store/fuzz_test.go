package store

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func FuzzNumbers(f *testing.F) {
	line, err := record{Chain: &chainRecord{Number: 7, ChainID: digest.FromString("a"), DiffID: digest.FromString("b")}}.marshal()
	if err != nil {
		f.Fatal(err)
	}
	image, err := record{Image: &imageRecord{Number: 8, Count: 1, ID: digest.FromString("c")}}.marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(line, image...))
	f.Add([]byte("00000000 {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &numbers{}
		n.reset()
		if n.parse(bytes.NewReader(data)) == nil && n.read > int64(len(data)) {
			t.Errorf("read %d of %d bytes", n.read, len(data))
		}
		for _, c := range n.chains {
			if uint64(c.Number) >= n.next {
				t.Errorf("%d is next, and chain %d's", n.next, c.Number)
			}
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:00","annotations":{"org.opencontainers.image.ref.name":"a"}},1]}`))
	f.Add([]byte(`{"manifests":null,"x":1e400}`))
	f.Add([]byte(`{"manifests":[ {"a":"]\\\"}"} , [[1], {}],null,"," ]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := parseIndex(string(data), nil)
		if err != nil {
			return
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(data, &fields); err != nil {
			t.Fatal(err)
		}
		var want []json.RawMessage
		if raw := fields["manifests"]; raw != nil {
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.EqualFunc(want, x.entries, func(a json.RawMessage, b *entry) bool { return string(a) == b.raw }) {
			t.Errorf("%s has %d entries, not %q", data, len(x.entries), want)
		}
		var text strings.Builder
		if err := x.writeTo(&text); err != nil {
			t.Fatal(err)
		}
		again, err := parseIndex(text.String(), nil)
		if err != nil || len(again.entries) != len(x.entries) {
			t.Errorf("%s\nbecame\n%s\n%v", data, text.String(), err)
		}
	})
}

func FuzzChecksums(f *testing.F) {
	s := newDigester()
	s.Write(make([]byte, 100_000))
	f.Add(s.finish().marshal(), int64(100_000))
	f.Add([]byte(checksumsMagic), int64(-1))
	f.Fuzz(func(t *testing.T, data []byte, size int64) {
		c, err := parseChecksums(data, size)
		if err == nil && !bytes.Equal(c.marshal(), data) {
			t.Errorf("%x became %x", data, c.marshal())
		}
	})
}

func FuzzScan(f *testing.F) {
	platform := &ocispec.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	desc := ocispec.Descriptor{MediaType: "a", Digest: digest.FromString("a"), Size: 7, Platform: platform}
	index := desc
	index.Annotations = map[string]string{"a": "b", "c": ""}
	for _, v := range []any{
		desc, index, record{Format: 1}, record{Chain: &chainRecord{Number: 1, ChainID: "a", DiffID: "b", Position: 3}},
		record{Image: &imageRecord{
			Number: 4, Count: 2, ID: "c", Manifest: desc, Index: &index, Config: desc, Layers: []ocispec.Descriptor{desc},
			Chains: []uint32{1}, Size: 12, Created: time.Unix(1, 5).UTC(),
		}},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(` {"a" : [1, -2.5e+7, true, false, null, "\u00e4\n", {}], "b": {"c": []}} `))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := &scan{s: string(data)}
		p.value()
		if valid := json.Valid(data); p.end() != valid {
			t.Errorf("%q: valid is %v", data, valid)
		}
		p = &scan{s: string(data)}
		d := p.descriptor()
		var want ocispec.Descriptor
		if err := json.Unmarshal(data, &want); p.end() && (err != nil || !reflect.DeepEqual(d, want)) {
			t.Errorf("%q is %v, not %v, %v", data, d, want, err)
		}
		r, ok := scanRecord(string(data))
		var wanted record
		if err := json.Unmarshal(data, &wanted); ok && (err != nil || !reflect.DeepEqual(r, wanted)) {
			t.Errorf("%q is %v, not %v, %v", data, r, wanted, err)
		}
	})
}

func FuzzNormalised(f *testing.F) {
	for _, name := range []string{
		"docker.io/library/alpine:3.19", "localhost/a", "localhost:5000/a/b_c-d.e:1", "ghcr.io/a@" + string(digest.FromString("a")),
		"docker.io/alpine:1", "registry-1.example.com/a:A_.-",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !isNormalised(name) {
			return
		}
		named, err := reference.ParseDockerRef(name)
		if err != nil || named.String() != name {
			t.Errorf("%q is %v: %v", name, named, err)
		}
	})
}

func TestUsualNamesAreKnown(t *testing.T) {
	for name, want := range map[string]bool{
		"docker.io/library/alpine:3.19":                                         true,
		"registry-1.example.com:5000/a/b_c:V1":                                  true,
		"ghcr.io/a/b@" + string(digest.FromString("a")):                         true,
		"docker.io/alpine:3.19":                                                 false,
		"alpine:3.19":                                                           false,
		"docker.io/library/alpine":                                              false,
		"index.docker.io/library/alpine:3.19":                                   false,
		"docker.io/library/alpine:1@sha256:" + digest.FromString("a").Encoded(): false,
	} {
		if isNormalised(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
