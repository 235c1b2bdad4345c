package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/store/storetest"
)

func TestAddBlob(t *testing.T) {
	s := storetest.New(t)
	c, err := s.Claim()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, size := range []int{0, 1, 64 << 10, 300_000} {
		data := bytes.Repeat([]byte("0123456789abcde"), size/15+1)[:size]
		want := ocispec.Descriptor{MediaType: "a/b", Digest: digest.FromBytes(data), Size: int64(size)}
		for range 2 {
			got, err := s.AddBlob(t.Context(), c, "a/b", iotest.HalfReader(bytes.NewReader(data)))
			if err != nil || got.Digest != want.Digest || got.Size != want.Size || got.MediaType != want.MediaType {
				t.Fatalf("%d bytes: %v, %v", size, got, err)
			}
		}
		blob, err := s.OpenBlob(want.Digest)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: read %d, %v", size, len(got), err)
		}
		blob.Close()
	}
	if _, err := s.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !s.HasBlob(digest.FromBytes(nil)) {
		t.Error("what is claimed was collected")
	}
	broken := errors.New("broken")
	if _, err := s.AddBlob(t.Context(), c, "", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken stream: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.AddBlob(ctx, c, "", bytes.NewReader([]byte("x"))); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
