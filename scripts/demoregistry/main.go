// Command demoregistry is a registry on loopback with a small real image in it: Debian's static busybox and three layers
// on top. It prints its address, and ends when its standard input does.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const repository = "demo/busybox"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "demoregistry:", err)
		os.Exit(1)
	}
}

func run() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	go server.Serve(l)
	defer server.Close()
	if err := push(l.Addr().String()); err != nil {
		return err
	}
	fmt.Println(l.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// push puts the image and an older one into the registry: two tags are one image, the third is its base.
func push(host string) error {
	older, newer, err := images("/bin/busybox")
	if err != nil {
		return err
	}
	for _, tag := range []string{"1.35", "1.36", "latest"} {
		ref, err := name.NewTag(host+"/"+repository+":"+tag, name.Insecure)
		if err != nil {
			return err
		}
		img := newer
		if tag == "1.35" {
			img = older
		}
		if err := remote.Write(ref, img); err != nil {
			return err
		}
	}
	return nil
}
