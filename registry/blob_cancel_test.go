package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/imagefs/imagefs/registry/registrytest"
)

func TestBlobCancel(t *testing.T) {
	for name, behavior := range map[string]registrytest.Behavior{
		"no answer":       registrytest.Stall(-1),
		"no body":         registrytest.Stall(100),
		"waits to retry":  registrytest.Status(503, "", "Retry-After", "30"),
		"after a backoff": registrytest.Status(503, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t)
			desc, _ := putNoise(reg, 20_000)
			asked := make(chan struct{})
			once := sync.OnceFunc(func() { close(asked) })
			reg.Next(registrytest.Always, blobs, func(s *registrytest.Server, w http.ResponseWriter, r *http.Request) {
				once()
				behavior(s, w, r)
			})
			c := newClient(t, Options{})
			c.pause = time.Minute
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				body, err := c.Blob(ctx, parse(t, reg.Host+"/app"), desc, 0)
				if err == nil {
					_, err = io.ReadAll(body)
					body.Close()
				}
				ended <- err
			}()
			<-asked
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			case <-time.After(time.Second):
				t.Error("goes on a second later")
			}
		})
	}
}

func TestBlobCloseEndsRead(t *testing.T) {
	reg := registrytest.New(t)
	desc, _ := putNoise(reg, 10_000)
	reg.Next(registrytest.Always, blobs, registrytest.Stall(100))
	body, err := newClient(t, Options{}).Blob(t.Context(), parse(t, reg.Host+"/app"), desc, 0)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.ReadAll(body)
		ended <- err
	}()
	body.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
