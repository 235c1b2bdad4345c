package registry

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/imagefs/imagefs/registry/registrytest"
)

// testStall is long enough for a busy machine and short enough to wait for.
const testStall = 300 * time.Millisecond

// newClient makes a client that waits briefly, and that knows no credentials unless o names them.
func newClient(t *testing.T, o Options) *Client {
	t.Helper()
	if o.DockerConfig == "" {
		o.DockerConfig = t.TempDir()
	}
	if o.StallTimeout == 0 {
		o.StallTimeout = 10 * time.Second
	}
	c := New(o)
	c.pause = time.Millisecond
	t.Cleanup(func() {
		network := c.transport.(*transport)
		network.strict.(*http.Transport).CloseIdleConnections()
		network.lax.(*http.Transport).CloseIdleConnections()
	})
	return c
}

func parse(t testing.TB, name string) reference.Named {
	t.Helper()
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// noise is n bytes that differ everywhere.
func noise(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(data)
	return data
}

// putNoise puts a blob of n bytes into the repository "app".
func putNoise(reg *registrytest.Server, n int) (ocispec.Descriptor, []byte) {
	data := noise(n)
	return reg.PutBlob("app", ocispec.MediaTypeImageLayer, data), data
}

func readBlob(t *testing.T, c *Client, reg *registrytest.Server, desc ocispec.Descriptor, offset int64) ([]byte, error) {
	t.Helper()
	body, err := c.Blob(t.Context(), parse(t, reg.Host+"/app"), desc, offset)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// wantBlob checks that the whole blob is read.
func wantBlob(t *testing.T, c *Client, reg *registrytest.Server, desc ocispec.Descriptor, data []byte) {
	t.Helper()
	got, err := readBlob(t, c, reg, desc, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("got %d bytes that are not the blob's %d", len(got), len(data))
	}
}

func readAllAndClose(body io.ReadCloser) ([]byte, error) {
	defer body.Close()
	return io.ReadAll(body)
}

// dialInstead makes t connect to another address than one that it is asked for.
func dialInstead(t *http.Transport, asked, actual string) {
	before := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		switch {
		case address == asked:
			return new(net.Dialer).DialContext(ctx, network, actual)
		case before != nil:
			return before(ctx, network, address)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}
