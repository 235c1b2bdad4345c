package store

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	digest "github.com/opencontainers/go-digest"
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
		if n.parse(data) == nil && n.read > int64(len(data)) {
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
		x, err := parseIndex(data, nil)
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
		if !slices.EqualFunc(want, x.entries, func(a json.RawMessage, b *entry) bool { return bytes.Equal(a, b.raw) }) {
			t.Errorf("%s has %d entries, not %q", data, len(x.entries), want)
		}
		again, err := parseIndex(x.marshal(), nil)
		if err != nil || len(again.entries) != len(x.entries) {
			t.Errorf("%s\nbecame\n%s\n%v", data, x.marshal(), err)
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
