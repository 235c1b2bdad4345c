package inflate_test

import (
	"bytes"
	stdflate "compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/imagefs/imagefs/store/inflate"
)

// windowSize is the package's.
const windowSize = 160 << 10

// inputs are what streams are made of, each for something that a decoder may get wrong.
func inputs() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	var text, skewed, periods bytes.Buffer
	for i := range 15_000 {
		fmt.Fprintf(&text, "%d words and %x ", i*i, random.Uint32N(1000))
	}
	for range 200_000 { // codewords from one bit to fifteen
		skewed.WriteByte(byte(random.ExpFloat64() * 9))
	}
	for period := 1; period < 40; period++ {
		periods.Write(bytes.Repeat(noise[:period], 2000/period+period))
	}
	far := append(append(bytes.Clone(noise[:32<<10]), noise[:32<<10]...), noise[:70_000]...)
	return map[string][]byte{
		"nothing": {}, "one byte": {7}, "three": []byte("abc"), "zeros": make([]byte, 400_000), "noise": noise,
		"text": text.Bytes(), "skewed": skewed.Bytes(), "periods": periods.Bytes(), "far matches": far,
		"windows": bytes.Repeat(text.Bytes()[:windowSize], 3),
	}
}

// deflate is data compressed by klauspost/compress; levels are compress/flate's, and 10 is compress/flate's own level 9.
func deflate(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	if level == 10 {
		w, err = stdflate.NewWriter(&b, 9)
	} else {
		w, err = flate.NewWriter(&b, level)
	}
	if err != nil {
		t.Fatal(err)
	}
	finish(t, w, data)
	return b.Bytes()
}

func finish(t testing.TB, w io.WriteCloser, data []byte) {
	t.Helper()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	finish(t, gzip.NewWriter(&b), data)
	return b.Bytes()
}

// gunzip reads all that there is before the first error, which is nil for io.EOF.
func gunzip(r io.Reader) ([]byte, error) {
	z, err := inflate.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// sameAsFlate compares with compress/flate. Before an error there may be more to read here: that one wants a whole end
// symbol after a shorter one.
func sameAsFlate(t *testing.T, stream []byte) {
	t.Helper()
	want, wantErr := io.ReadAll(stdflate.NewReader(bytes.NewReader(stream)))
	got, err := io.ReadAll(inflate.NewDeflated(bytes.NewReader(stream)))
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%x: error %v, compress/flate has %v", head(stream), err, wantErr)
	}
	if !bytes.HasPrefix(got, want) || err == nil && len(got) != len(want) {
		t.Fatalf("%x: %d bytes, compress/flate has %d, or they differ", head(stream), len(got), len(want))
	}
}

func head(b []byte) []byte { return b[:min(len(b), 100)] }
