package imagefs

import (
	"archive/tar"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/imagefs/imagefs/builder/source"
)

// mountPoints are what a process has mounted, for which the image may lack a place: docker's init layer.
var mountPoints = []string{
	"dev", "dev/pts", "dev/shm", "dev/mqueue", "dev/console", "dev/pipes", "proc", "sys", "etc", "etc/hosts", "etc/hostname",
	"etc/resolv.conf", "etc/mtab", "run", "run/secrets",
}

// trimLayer passes on the layer that write writes, without what was made to mount something over: empty places, the usual
// ones and targets, and directories in which nothing else has changed. No file is later than latest, unless that is zero.
func trimLayer(to io.Writer, below source.Tree, targets []string, latest time.Time, write func(io.Writer) error) error {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		w.CloseWithError(err)
		written <- err
	}()
	t := trimmer{Writer: tar.NewWriter(to), below: below, places: slices.Clone(mountPoints), latest: latest}
	for _, target := range targets {
		for at := strings.Trim(target, "/"); at != "." && at != ""; at = path.Dir(at) {
			t.places = append(t.places, at)
		}
	}
	err := t.all(tar.NewReader(r))
	r.CloseWithError(err)
	if failed := <-written; failed != nil {
		return failed
	}
	return err
}

type trimmer struct {
	*tar.Writer
	below  source.Tree
	places []string
	latest time.Time
	held   []*tar.Header // directories that are written if something in them is
}

func (t *trimmer) all(r *tar.Reader) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return t.Close()
		}
		if err == nil {
			err = t.entry(h, r)
		}
		if err != nil {
			return err
		}
	}
}

func (t *trimmer) entry(h *tar.Header, content io.Reader) error {
	name := strings.TrimSuffix(h.Name, "/")
	isDir := h.Typeflag == tar.TypeDir
	if slices.Contains(t.places, name) && (isDir || h.Typeflag == tar.TypeReg && h.Size == 0) {
		old, err := t.below.Lstat(name)
		if err != nil {
			return nil // it was made for a mount
		}
		if isDir && old.IsDir() && int64(old.Mode&0o7777) == h.Mode && old.UID == h.Uid && old.GID == h.Gid {
			t.held = append(t.held, h)
			return nil
		}
	}
	for _, dir := range t.held {
		if strings.HasPrefix(h.Name, dir.Name) {
			if err := t.header(dir); err != nil {
				return err
			}
		}
	}
	t.held = slices.DeleteFunc(t.held, func(dir *tar.Header) bool { return strings.HasPrefix(h.Name, dir.Name) })
	if err := t.header(h); err != nil {
		return err
	}
	_, err := io.Copy(t, content)
	return err
}

func (t *trimmer) header(h *tar.Header) error {
	if !t.latest.IsZero() && h.ModTime.After(t.latest) {
		h.ModTime = t.latest
	}
	return t.WriteHeader(h)
}
