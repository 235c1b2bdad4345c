package inflate_test

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/imagefs/imagefs/store/inflate"
)

// benchGzip is what to decode: the file $IMAGEFS_BENCH_GZIP, or what is made.
func benchGzip(b *testing.B) []byte {
	b.Helper()
	if path := os.Getenv("IMAGEFS_BENCH_GZIP"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
	var all bytes.Buffer
	for _, name := range []string{"text", "skewed", "periods", "noise", "text"} {
		all.Write(inputs()[name])
	}
	return zip(b, all.Bytes())
}

// BenchmarkGunzip decodes the same by this package and by klauspost/compress, in turn, and reports how many times as fast
// this one is.
func BenchmarkGunzip(b *testing.B) {
	data := benchGzip(b)
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		z, err := inflate.NewReader(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		n := drain(b, z)
		ours += time.Since(start)
		b.SetBytes(n)

		b.StopTimer()
		start = time.Now()
		k, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		if drain(b, k) != n {
			b.Fatal("sizes differ")
		}
		theirs += time.Since(start)
		b.StartTimer()
	}
	b.ReportMetric(float64(theirs)/float64(ours), "×klauspost")
}

func drain(b *testing.B, r io.Reader) int64 {
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, make([]byte, 256<<10))
	if err != nil {
		b.Fatal(err)
	}
	return n
}
