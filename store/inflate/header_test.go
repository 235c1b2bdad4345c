package inflate_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imagefs/imagefs/store/inflate"
)

func TestHeaderFields(t *testing.T) {
	for name, h := range map[string]stdgzip.Header{
		"none":    {},
		"name":    {Name: "layer.tar", ModTime: time.Unix(1, 0)},
		"comment": {Comment: "a comment"},
		"extra":   {Extra: bytes.Repeat([]byte{9}, 70)},
		"all":     {Name: "n", Comment: "c", Extra: make([]byte, 65535), OS: 3},
	} {
		var b bytes.Buffer
		w := stdgzip.NewWriter(&b)
		w.Header = h
		finish(t, w, []byte("hello"))
		if got, err := gunzip(&b); err != nil || string(got) != "hello" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestHeaderChecksum(t *testing.T) {
	plain := zip(t, []byte("hello"))
	head := bytes.Clone(plain[:10])
	head[3] = 1<<1 | 1<<3
	head = append(head, "a name of more than one word\x00"...)
	sum := crc32.ChecksumIEEE(head)
	good := slices.Concat(head, []byte{byte(sum), byte(sum >> 8)}, plain[10:])
	if got, err := gunzip(bytes.NewReader(good)); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	good[len(head)] ^= 1
	if _, err := gunzip(bytes.NewReader(good)); err != inflate.ErrHeader {
		t.Error(err)
	}
}

func TestMembers(t *testing.T) {
	var stream, want []byte
	for _, data := range inputs() {
		stream, want = append(stream, zip(t, data)...), append(want, data...)
	}
	if got, err := gunzip(bytes.NewReader(stream)); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d of %d bytes, %v", len(got), len(want), err)
	}
	small := strings.Repeat(string(zip(t, []byte("a"))), 1000)
	if got, err := gunzip(strings.NewReader(small)); err != nil || string(got) != strings.Repeat("a", 1000) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

// TestMembersShareNothing has a member with a match that would reach into the one before it.
func TestMembersShareNothing(t *testing.T) {
	member := slices.Concat(zip(t, nil)[:10], bitStream(t, "1:1 1:2 0000001 00000 0000000"), make([]byte, 8))
	got, err := gunzip(bytes.NewReader(append(zip(t, []byte("abcdefgh")), member...)))
	var format *inflate.FormatError
	if string(got) != "abcdefgh" || !errors.As(err, &format) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAfterMembers compares what follows the last member with what compress/gzip says of it.
func TestAfterMembers(t *testing.T) {
	for tail, want := range map[string]error{
		"":                           nil,
		"\x00":                       io.ErrUnexpectedEOF,
		strings.Repeat("\x00", 512):  inflate.ErrHeader,
		"garbage that is no header":  inflate.ErrHeader,
		"\x1f\x8b":                   io.ErrUnexpectedEOF,
		"\x1f\x8b\x07 other method.": inflate.ErrHeader,
	} {
		stream := append(zip(t, []byte("hello")), tail...)
		got, err := gunzip(bytes.NewReader(stream))
		if string(got) != "hello" || err != want {
			t.Errorf("%q: %q, %v; not %v", tail, got, err, want)
		}
		z, err := stdgzip.NewReader(bytes.NewReader(stream))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(z); (err == nil) != (want == nil) {
			t.Errorf("%q: compress/gzip has %v", tail, err)
		}
	}
}

func TestNoStream(t *testing.T) {
	for in, want := range map[string]error{
		"": io.ErrUnexpectedEOF, "\x1f": io.ErrUnexpectedEOF, "no gzip, but long enough": inflate.ErrHeader,
	} {
		if _, err := inflate.NewReader(strings.NewReader(in)); err != want {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestTrailer(t *testing.T) {
	for name, at := range map[string]int{"CRC-32": 8, "size": 1} {
		stream := zip(t, []byte("hello"))
		stream[len(stream)-at] ^= 1
		if got, err := gunzip(bytes.NewReader(stream)); string(got) != "hello" || err != inflate.ErrChecksum {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
