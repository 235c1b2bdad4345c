package store_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store"
	"github.com/imagefs/imagefs/store/layer"
	"github.com/imagefs/imagefs/store/storetest"
)

func TestIngestRefuses(t *testing.T) {
	tar := bigLayer(t, 1)
	good := storetest.Gzip(t, tar)
	change := func(f func(l *storetest.Layer)) storetest.Layer {
		l := good
		f(&l)
		return l
	}
	notTar := storetest.Gzip(t, []byte(noise(2<<20, 1)))
	truncated := storetest.Gzip(t, tar)
	truncated.Blob = truncated.Blob[:len(truncated.Blob)-100]
	truncated.Descriptor.Size, truncated.Descriptor.Digest = int64(len(truncated.Blob)), digest.FromBytes(truncated.Blob)
	for name, tt := range map[string]struct {
		layer storetest.Layer
		is    func(error) bool
	}{
		"wrong digest":      {change(func(l *storetest.Layer) { l.Blob = flip(l.Blob, 1<<20) }), isDigest},
		"wrong at once":     {change(func(l *storetest.Layer) { l.Blob = make([]byte, len(l.Blob)) }), isDigest},
		"too long":          {change(func(l *storetest.Layer) { l.Blob = append(bytes.Clone(l.Blob), 1) }), isDigest},
		"much too long":     {change(func(l *storetest.Layer) { l.Descriptor.Size = 10 }), isDigest},
		"wrong diffID":      {change(func(l *storetest.Layer) { l.DiffID = digest.FromString("x") }), isDigest},
		"not a tar":         {notTar, isFormat},
		"truncated gzip":    {truncated, func(err error) bool { return isFormat(err) && errors.Is(err, io.ErrUnexpectedEOF) }},
		"unknown type":      {change(func(l *storetest.Layer) { l.Descriptor.MediaType = "application/x" }), isUnsupported},
		"no digest":         {change(func(l *storetest.Layer) { l.DiffID = "../../etc" }), isAny},
		"another algorithm": {change(func(l *storetest.Layer) { l.DiffID = digest.SHA512.FromString("x") }), isAny},
	} {
		t.Run(name, func(t *testing.T) {
			s := storetest.New(t)
			err := s.IngestLayer(t.Context(), tt.layer.Descriptor, tt.layer.DiffID, tt.layer.Source, nil)
			if err == nil || !tt.is(err) {
				t.Errorf("error %v", err)
			}
			checkNoLeftovers(t, s)
			if s.HasBlob(tt.layer.Descriptor.Digest) {
				t.Error("the blob was stored")
			}
		})
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func isAny(error) bool { return true }

func isDigest(err error) bool {
	var e *store.DigestError
	return errors.As(err, &e)
}

func isFormat(err error) bool {
	var e *layer.FormatError
	return errors.As(err, &e)
}

func isUnsupported(err error) bool {
	var e *store.UnsupportedError
	return errors.As(err, &e)
}

func isCorrupt(err error) bool {
	var e *layer.CorruptError
	return errors.As(err, &e)
}
