package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// startDistribution runs Debian's docker-registry, the distribution project's own, and returns its host.
func startDistribution(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("docker-registry is not installed")
	}
	host := freeHost(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %q}\n", dir, host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program, "serve", config)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	waitFor(t, host)
	return host
}

func freeHost(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// waitFor returns when something listens at host.
func waitFor(t *testing.T, host string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		conn, err := net.Dial("tcp", host)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-deadline:
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func put(t *testing.T, method, url, mediaType string, body []byte) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode > 299 {
		t.Fatalf("%s %s: %s", method, url, resp.Status)
	}
	return resp
}

func uploadBlob(t *testing.T, host string, data []byte) ocispec.Descriptor {
	t.Helper()
	d := digest.FromBytes(data)
	begun := put(t, http.MethodPost, "http://"+host+"/v2/app/blobs/uploads/", "", nil)
	put(t, http.MethodPut, begun.Header.Get("Location")+"&digest="+d.String(), "application/octet-stream", data)
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: d, Size: int64(len(data))}
}

// The distribution project's registry and this client understand each other.
func TestDistribution(t *testing.T) {
	host := startDistribution(t)
	data := noise(1 << 20)
	layer := uploadBlob(t, host, data)
	config := uploadBlob(t, host, []byte("{}"))
	raw := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":%q,"size":2},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar","digest":%q,"size":%d}]}`,
		dockerManifest, config.Digest, layer.Digest, layer.Size)
	for _, tag := range []string{"2.0", "1.0"} {
		put(t, http.MethodPut, "http://"+host+"/v2/app/manifests/"+tag, dockerManifest, raw)
	}

	c := newClient(t, Options{})
	m, err := c.Manifest(t.Context(), parse(t, host+"/app:1.0"))
	if err != nil || !bytes.Equal(m.Raw, raw) || m.Descriptor.MediaType != dockerManifest {
		t.Errorf("manifest: %v, %v", m.Descriptor, err)
	}
	if _, err = c.ManifestByDigest(t.Context(), parse(t, host+"/app"), m.Descriptor.Digest); err != nil {
		t.Errorf("by digest: %v", err)
	}
	tags, err := c.Tags(t.Context(), parse(t, host+"/app"))
	if err != nil || strings.Join(tags, " ") != "1.0 2.0" {
		t.Errorf("tags: %v, %v", tags, err)
	}
	for _, offset := range []int64{0, 1000} {
		body, err := c.Blob(t.Context(), parse(t, host+"/app"), layer, offset)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAllAndClose(body)
		if err != nil || !bytes.Equal(got, data[offset:]) {
			t.Errorf("blob from %d: %d bytes, %v", offset, len(got), err)
		}
	}
	for name, ask := range map[string]func() error{
		"manifest for " + host + "/app:3.0 not found: manifest unknown": func() error {
			_, err := c.Manifest(t.Context(), parse(t, host+"/app:3.0"))
			return err
		},
		"repository " + host + "/other not found: name unknown": func() error {
			_, err := c.Tags(t.Context(), parse(t, host+"/other"))
			return err
		},
		"blob " + m.Descriptor.Digest.String() + " of " + host + "/other not found: blob unknown": func() error {
			_, err := c.Blob(t.Context(), parse(t, host+"/other"), m.Descriptor, 0)
			return err
		},
	} {
		if err := ask(); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

// cutting is the address of a proxy of host that resets the first connection over which more than n bytes were sent.
func cutting(t *testing.T, host string, n int64) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var cut atomic.Bool
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
		if !cut.Load() {
			t.Error("nothing was cut")
		}
	})
	forward := func(client net.Conn) {
		defer client.Close()
		server, err := net.Dial("tcp", host)
		if err != nil {
			return
		}
		defer server.Close()
		wg.Go(func() { io.Copy(client, server); client.Close() })
		if _, err := io.CopyN(server, client, n); err == nil && cut.CompareAndSwap(false, true) {
			client.(*net.TCPConn).SetLinger(0)
			return
		}
		io.Copy(server, client)
	}
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { forward(client) })
		}
	})
	return l.Addr().String()
}

// What is pushed to the distribution project's registry is there, even if the connection is lost in between.
func TestDistributionPush(t *testing.T) {
	host := cutting(t, startDistribution(t), 3<<20)
	c := newClient(t, Options{})
	app, copied := parse(t, host+"/app"), parse(t, host+"/team/copy")
	layer, config := content(noise(8<<20)), content("{}")
	for _, blob := range []content{layer, config} {
		if err := c.PushBlob(t.Context(), app, blob.descriptor(), blob.open, nil); err != nil {
			t.Fatal(err)
		}
		for ref, want := range map[reference.Named]bool{app: true, copied: false} {
			if has, err := c.HasBlob(t.Context(), ref, blob.descriptor().Digest); has != want || err != nil {
				t.Errorf("%s has %s: %v, %v", ref, blob.descriptor().Digest, has, err)
			}
		}
		if mounted, err := c.MountBlob(t.Context(), copied, app, blob.descriptor().Digest); !mounted || err != nil {
			t.Errorf("mounted: %v, %v", mounted, err)
		}
	}
	if mounted, err := c.MountBlob(t.Context(), copied, app, digest.FromString("nothing")); mounted || err != nil {
		t.Errorf("mounted what is not there: %v, %v", mounted, err)
	}
	raw := fmt.Appendf(nil, `{"schemaVersion":2, "mediaType":%q,"config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":%q,"size":2},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar","digest":%q,"size":%d}]}`,
		dockerManifest, config.descriptor().Digest, layer.descriptor().Digest, len(layer))
	m := Manifest{ocispec.Descriptor{MediaType: dockerManifest, Digest: digest.FromBytes(raw), Size: int64(len(raw))}, raw}
	for _, ref := range []reference.Named{parse(t, host+"/app:1"), parse(t, host+"/team/copy@"+m.Descriptor.Digest.String())} {
		if err := c.PushManifest(t.Context(), ref, m); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Manifest(t.Context(), ref); err != nil || !bytes.Equal(got.Raw, raw) {
			t.Errorf("%s: %v, %v", ref, got.Descriptor, err)
		}
	}
	err := c.PushManifest(t.Context(), parse(t, host+"/lacking:1"), m)
	if err == nil || !strings.Contains(err.Error(), "manifest blob unknown") && !strings.Contains(err.Error(), "blob unknown") {
		t.Errorf("a manifest without its blobs: %v", err)
	}
	found, err := c.Search(t.Context(), host, "p", 25)
	if err != nil || len(found) != 2 || found[0].Name != "app" || found[1].Name != "team/copy" {
		t.Errorf("search: %v, %v", found, err)
	}
}
