package main

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/imagefs/imagefs/scripts/peers"
)

// reportMemory: what a new server uses after a whole walk of one image, and in the pull at its peak.
func reportMemory(ctx context.Context, l *lab) error {
	million := l.registry.Addr + "/demo/million:1"
	if err := pushMany(million, 1_000_000, filepath.Join(l.dir, "million.tar")); err != nil {
		return err
	}
	for _, image := range []string{l.debian, million} {
		dir := filepath.Join(l.dir, "memory")
		m, err := startMount(ctx, dir)
		if err != nil {
			return err
		}
		err = reportServer(ctx, m, image)
		m.close()
		os.RemoveAll(dir)
		if err != nil {
			return err
		}
	}
	return nil
}

func reportServer(ctx context.Context, m *mount, image string) error {
	if err := m.pull(image); err != nil {
		return err
	}
	rootfs := m.tag(image, "rootfs") + "/"
	out, err := peers.Run(ctx, "find", rootfs, "-printf", "%i %s\n")
	if err != nil {
		return err
	}
	files := strings.Count(out, "\n")
	server, err := peers.Run(ctx, "pgrep", "-f", "serve .*"+m.dir)
	if err != nil {
		return err
	}
	pid := strings.Fields(server)[0]
	peak, err := status(pid, "VmHWM")
	if err != nil {
		return err
	}
	now, err := status(pid, "VmRSS")
	if err != nil {
		return err
	}
	anon, err := status(pid, "RssAnon")
	if err != nil {
		return err
	}
	allowed := 64<<20 + 100*files
	fmt.Printf("  %8d files: resident %d MiB (%d MiB of it its own), peak in the pull %d MiB; 64 MiB + 100 B a file is %d MiB\n",
		files, now>>20, anon>>20, peak>>20, allowed>>20)
	return nil
}

// status reads a field of /proc/PID/status, in bytes.
func status(pid, field string) (int, error) {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no %s of process %s", field, pid)
}

// pushMany pushes an image of n small files in directories of a thousand.
func pushMany(image string, n int, temp string) error {
	defer os.Remove(temp)
	f, err := os.Create(temp)
	if err != nil {
		return err
	}
	w := tar.NewWriter(f)
	for i := range n {
		if i%1000 == 0 {
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: fmt.Sprintf("d%04d/", i/1000), Mode: 0o755}); err != nil {
				return err
			}
		}
		text := strconv.Itoa(i)
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("d%04d/file%06d.txt", i/1000, i), Mode: 0o644, Size: int64(len(text))}); err != nil {
			return err
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	layer, err := tarball.LayerFromFile(temp)
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return err
	}
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		return err
	}
	return remote.Write(ref, img)
}
