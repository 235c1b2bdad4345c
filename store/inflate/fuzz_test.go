package inflate_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"testing"
)

// FuzzInflate compares with compress/flate: what is read, and whether it is an error.
func FuzzInflate(f *testing.F) {
	for _, data := range inputs() {
		for _, level := range levels {
			f.Add(deflate(f, data[:min(len(data), 2000)], level))
		}
	}
	f.Fuzz(sameAsFlate)
}

// FuzzGunzip compares with compress/gzip, but for names of over 511 bytes, which that one refuses.
func FuzzGunzip(f *testing.F) {
	for _, data := range inputs() {
		f.Add(zip(f, data[:min(len(data), 2000)]))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		got, err := gunzip(bytes.NewReader(stream))
		var want []byte
		z, wantErr := stdgzip.NewReader(bytes.NewReader(stream))
		if wantErr == nil {
			want, wantErr = io.ReadAll(z)
		}
		if len(stream) < 512 && (err == nil) != (wantErr == nil) || wantErr == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes and %v; compress/gzip has %d bytes and %v", len(got), err, len(want), wantErr)
		}
	})
}
