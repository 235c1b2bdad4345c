package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

var born = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// images returns an image of busybox with its links and a few files, and a newer one on top of it that deletes,
// replaces and adds.
func images(busybox string) (older, newer v1.Image, err error) {
	program, err := os.ReadFile(busybox)
	if err != nil {
		return nil, nil, err
	}
	list, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		return nil, nil, err
	}
	base := []*tar.Header{directory("bin/"), file("bin/busybox", 0o755, len(program))}
	for applet := range strings.FieldsSeq(string(list)) {
		if applet != "busybox" {
			base = append(base, &tar.Header{Typeflag: tar.TypeLink, Name: "bin/" + applet, Linkname: "bin/busybox", Mode: 0o755, ModTime: born})
		}
	}
	motd := "Welcome.\n"
	older, err = stack(empty.Image,
		step{"COPY busybox /bin/busybox", base, program},
		step{"COPY etc /etc", []*tar.Header{
			directory("etc/"), file("etc/motd", 0o644, len(motd)), directory("etc/old/"), file("etc/old/settings", 0o600, 0),
		}, []byte(motd)})
	if err != nil {
		return nil, nil, err
	}
	page := "<h1>It works</h1>\n"
	newer, err = stack(older,
		step{"RUN rm -r /etc/old", []*tar.Header{directory("etc/"), file("etc/.wh.old", 0, 0)}, nil},
		step{"COPY www /www", []*tar.Header{directory("www/"), file("www/index.html", 0o644, len(page))}, []byte(page)})
	return older, newer, err
}

// step is an instruction and the layer that it made; content is that of the layer's files, one after the other.
type step struct {
	instruction string
	headers     []*tar.Header
	content     []byte
}

func directory(name string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755, ModTime: born}
}

func file(name string, mode int64, size int) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(size), ModTime: born}
}

func stack(img v1.Image, steps ...step) (v1.Image, error) {
	for _, s := range steps {
		layer, err := s.layer()
		if err != nil {
			return nil, err
		}
		img, err = mutate.Append(img, mutate.Addendum{
			Layer: layer, History: v1.History{Created: v1.Time{Time: born}, CreatedBy: s.instruction},
		})
		if err != nil {
			return nil, err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", "amd64", v1.Time{Time: born}
	config.Config.Env = []string{"PATH=/bin"}
	config.Config.Cmd = []string{"httpd", "-f", "-h", "/www"}
	return mutate.ConfigFile(img, config)
}

func (s step) layer() (v1.Layer, error) {
	var b bytes.Buffer
	w, content := tar.NewWriter(&b), s.content
	for _, h := range s.headers {
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(content[:h.Size]); err != nil {
			return nil, err
		}
		content = content[h.Size:]
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	})
}
