// Command demoregistry is a registry on loopback with a small real image in it: Debian's static busybox and three layers
// on top. It also answers Docker Hub's search. It prints its address, and ends when its standard input does.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// repositories have the same three tags; library/busybox is what Docker Hub's would be called.
var repositories = []string{"demo/busybox", "library/busybox"}

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
	mux := http.NewServeMux()
	mux.Handle("/", registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	mux.HandleFunc("/v1/search", search)
	server := &http.Server{Handler: mux}
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
	for _, repository := range repositories {
		for tag, img := range map[string]v1.Image{"1.35": older, "1.36": newer, "latest": newer} {
			ref, err := name.NewTag(host+"/"+repository+":"+tag, name.Insecure)
			if err != nil {
				return err
			}
			if err := remote.Write(ref, img); err != nil {
				return err
			}
		}
	}
	return nil
}

// search answers as Docker Hub's search does.
func search(w http.ResponseWriter, r *http.Request) {
	type result struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Stars       int    `json:"star_count"`
		Official    bool   `json:"is_official"`
		Automated   bool   `json:"is_automated"`
	}
	answer := struct {
		Query   string   `json:"query"`
		Number  int      `json:"num_results"`
		Results []result `json:"results"`
	}{Query: r.FormValue("q"), Results: []result{}}
	if strings.Contains("busybox", answer.Query) {
		answer.Number, answer.Results = 1, []result{{"busybox", "Busybox base image.", 3141, true, false}}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer) // whoever asked may be gone
}
