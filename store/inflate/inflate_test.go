package inflate_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/flate"

	"github.com/imagefs/imagefs/store/inflate"
)

// levels has stored blocks, fixed and dynamic codes, codes without matches, and two compressors.
var levels = []int{flate.NoCompression, 1, 2, 5, 6, 9, 10, flate.HuffmanOnly, flate.ConstantCompression}

func TestStreams(t *testing.T) {
	for name, data := range inputs() {
		for _, level := range levels {
			t.Run(fmt.Sprintf("%s/level %d", name, level), func(t *testing.T) {
				got, err := io.ReadAll(inflate.NewDeflated(bytes.NewReader(deflate(t, data, level))))
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%d of %d bytes, %v", len(got), len(data), err)
				}
			})
		}
	}
}

func TestReaders(t *testing.T) {
	readers := map[string]func(io.Reader) io.Reader{
		"a byte at a time": iotest.OneByteReader,
		"half":             iotest.HalfReader,
		"error with data":  iotest.DataErrReader,
	}
	for name, data := range inputs() {
		data = data[:min(len(data), windowSize+10_000)]
		stream := zip(t, data)
		for kind, reader := range readers {
			if got, err := gunzip(reader(bytes.NewReader(stream))); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s, %s: %d of %d bytes, %v", name, kind, len(got), len(data), err)
			}
		}
		z, err := inflate.NewReader(bytes.NewReader(stream))
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(z, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorOfReader(t *testing.T) {
	failed := errors.New("the network is gone")
	data := inputs()["text"]
	stream := zip(t, data)
	for _, at := range []int{0, 5, 10, 1000, len(stream) / 2, len(stream) - 8, len(stream) - 1, len(stream)} {
		got, err := gunzip(io.MultiReader(bytes.NewReader(stream[:at]), iotest.ErrReader(failed)))
		if err != failed || !bytes.HasPrefix(data, got) {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestReaderWithoutProgress(t *testing.T) {
	stream := zip(t, []byte("hello"))
	if _, err := gunzip(io.MultiReader(bytes.NewReader(stream[:12]), idle{})); err != io.ErrNoProgress {
		t.Error(err)
	}
}

func TestTruncated(t *testing.T) {
	for name, data := range inputs() {
		data = data[:min(len(data), 70_000)]
		stream := zip(t, data)
		for at := 0; at < len(stream); at += 1 + at/10 {
			got, err := gunzip(bytes.NewReader(stream[:at]))
			if err != io.ErrUnexpectedEOF || !bytes.HasPrefix(data, got) {
				t.Fatalf("%s, %d of %d bytes: %v", name, at, len(stream), err)
			}
		}
	}
}

// TestDamaged damages streams in a few bits, and compares what is then read, and whether it is an error.
func TestDamaged(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, data := range inputs() {
		data = data[:min(len(data), 3000)]
		for _, level := range levels {
			stream := deflate(t, data, level)
			for range 20 {
				damaged := bytes.Clone(stream)
				for range 1 + random.IntN(3) {
					damaged[random.IntN(min(len(damaged), 1+random.IntN(200)))] ^= 1 << random.IntN(8)
				}
				sameAsFlate(t, damaged)
			}
		}
	}
}

// TestRandomBits reads what never was a stream.
func TestRandomBits(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		stream := make([]byte, 1+random.IntN(120))
		for i := range stream {
			stream[i] = byte(random.Uint32())
		}
		stream[0] = stream[0]&^6 | byte(1+random.IntN(2))<<1
		sameAsFlate(t, stream)
	}
}
