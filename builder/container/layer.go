package container

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"strings"
)

// What the OCI image specification's layer.md calls whiteouts.
const (
	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
)

// WriteLayer writes what was changed as a layer: an uncompressed tar, sorted by name, of which the same upper directory
// always gives the same bytes. It has what docker's has: every entry of the upper directory but its root and sockets,
// whiteouts, opaque markers and hard links; and, beyond docker's, nanoseconds and all extended attributes but
// overlayfs's and those of security modules.
func (c *Container) WriteLayer(ctx context.Context, to io.Writer) error {
	upper, err := c.openUpper()
	if err != nil {
		return err
	}
	defer upper.Close()
	w := newArchiver(ctx, to, whiteouts{})
	if err := w.directory(upper, ""); err != nil {
		return err
	}
	return w.Close()
}

// whiteouts are the marks of an upper directory.
type whiteouts struct{}

func (whiteouts) entry(w *archiver, e *entry, dir string) (bool, error) {
	if e.isWhiteout() {
		return true, w.empty(dir+whiteoutPrefix+e.name, e)
	}
	if strings.HasPrefix(e.name, whiteoutPrefix) {
		return true, &NameError{Path: "/" + dir + e.name}
	}
	return false, nil
}

// directory writes the marker that hides what the image has below d.
func (whiteouts) directory(w *archiver, d directory, e *entry, path string) error {
	opaque, err := d.isOpaque()
	if err != nil || !opaque {
		return err
	}
	return w.empty(path+opaqueMarker, e)
}

// NameError is a file whose name a layer would take for a whiteout.
type NameError struct{ Path string }

func (e *NameError) Error() string {
	return fmt.Sprintf("%s cannot be in a layer: names that begin with %q say what is removed", e.Path, whiteoutPrefix)
}

// empty writes an empty file that has the rest from e.
func (w *archiver) empty(path string, e *entry) error {
	return w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Format: tar.FormatPAX, Name: path, Mode: 0o600, ModTime: mtime(e),
		Uid: int(e.stat.Uid), Gid: int(e.stat.Gid),
	})
}
