package imagefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/imagefs/imagefs/builder/container"
	"github.com/imagefs/imagefs/builder/copying"
	"github.com/imagefs/imagefs/builder/source"
	"github.com/imagefs/imagefs/store"
)

// BuildOutput is what `docker build --output` is asked for, beside the image in the store.
type BuildOutput struct {
	Type string // oci, docker: an archive of the image; tar, local: its files
	Dest string // a file or, for local, a directory; "-", but for local, for stdout
}

// ParseBuildOutput reads type=TYPE,dest=PATH; a PATH alone is a directory for files, "-" a tar of them on stdout. The error is
// of kind Invalid.
func ParseBuildOutput(text string) (BuildOutput, error) {
	var o BuildOutput
	switch {
	case text == "-":
		return BuildOutput{"tar", "-"}, nil
	case !strings.Contains(text, "="):
		return BuildOutput{"local", text}, nil
	}
	for _, field := range strings.Split(text, ",") {
		switch key, value, _ := strings.Cut(field, "="); key {
		case "type":
			o.Type = value
		case "dest":
			o.Dest = value
		default:
			return o, invalid(text, "invalid output %q: unknown key %s", text, key)
		}
	}
	switch o.Type {
	case "oci", "docker", "tar":
		if o.Dest == "" {
			o.Dest = "-"
		}
	case "local":
		if o.Dest == "" || o.Dest == "-" {
			return o, invalid(text, "dest is required for local output")
		}
	default:
		return o, invalid(text, "unknown output type %q: it is oci, docker, tar or local", o.Type)
	}
	return o, nil
}

// Output writes an image that was built, with its tags, somewhere else too.
func (e *Engine) Output(ctx context.Context, img *store.Image, tags []string, o BuildOutput, stdout io.Writer) error {
	if o.Type == "local" {
		return e.outputFiles(ctx, img, o.Dest)
	}
	if o.Dest == "-" {
		return e.outputTo(ctx, img, tags, o.Type, stdout)
	}
	f, err := os.Create(o.Dest)
	if err != nil {
		return err
	}
	if err := errors.Join(e.outputTo(ctx, img, tags, o.Type, f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(o.Dest))
	}
	return nil
}

func (e *Engine) outputTo(ctx context.Context, img *store.Image, tags []string, kind string, w io.Writer) error {
	if len(tags) == 0 {
		tags = []string{img.ID.String()}
	}
	switch kind {
	case "oci":
		return e.Save(ctx, SaveRequest{Refs: tags, Format: "oci-archive"}, w)
	case "docker":
		return e.Save(ctx, SaveRequest{Refs: tags}, w)
	}
	return e.writeFiles(ctx, img, w)
}

// writeFiles writes the image's files as a tar.
func (e *Engine) writeFiles(ctx context.Context, img *store.Image, w io.Writer) error {
	tree, err := e.filesOf(diffIDsOf(img))
	if err != nil {
		return err
	}
	return writeTree(ctx, tree, w)
}

func writeTree(ctx context.Context, tree source.Tree, w io.Writer) error {
	all := copying.Copy{Name: "output", Dest: "/", Items: []copying.Item{{Tree: tree, Path: "/", Exact: true}}}
	found, err := copying.Find(ctx, all)
	if err != nil {
		return err
	}
	return found.WriteLayer(ctx, source.Empty(), copying.Times{}, w)
}

// outputFiles writes the image's files into a directory.
func (e *Engine) outputFiles(ctx context.Context, img *store.Image, dir string) error {
	tree, err := e.filesOf(diffIDsOf(img))
	if err != nil {
		return err
	}
	if err := unpackTree(ctx, tree, dir); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// unpackTree writes files into a directory. Only root can give them their owners.
func unpackTree(ctx context.Context, tree source.Tree, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files, err := container.OpenFiles(dir)
	if err != nil {
		return err
	}
	defer files.Close()
	r, w := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		w.CloseWithError(writeTree(ctx, tree, w))
	}()
	err = files.Unpack(ctx, "/", os.Geteuid() == 0, r)
	r.CloseWithError(context.Canceled)
	<-written
	return err
}
