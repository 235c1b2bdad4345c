package imagefs

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
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

// trimLayer passes on the layer that write writes, without what was made to mount something over: the usual places and
// targets, as far as they are empty files, or root's directories of mode 0755, that the image lacks; nor has it directories
// at and above them in which nothing else has changed. No file is later than latest, unless that is zero.
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
	if slices.Contains(t.places, strings.TrimSuffix(h.Name, "/")) {
		if done, err := t.place(h); done || err != nil {
			return err
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

// place leaves out a file that was made to mount something over, and holds a directory that may have been. What the process
// has changed it leaves to others.
func (t *trimmer) place(h *tar.Header) (done bool, err error) {
	old, err := t.below.Lstat(strings.TrimSuffix(h.Name, "/"))
	isNew := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !isNew:
		return false, err
	case isNew && h.Typeflag == tar.TypeReg && h.Size == 0:
		return true, nil
	case h.Typeflag != tar.TypeDir, isNew && (h.Mode != 0o755 || h.Uid != 0 || h.Gid != 0):
		return false, nil
	case !isNew && (!old.IsDir() || int64(old.Mode&0o7777) != h.Mode || old.UID != h.Uid || old.GID != h.Gid):
		return false, nil
	}
	t.held = append(t.held, h)
	return true, nil
}

func (t *trimmer) header(h *tar.Header) error {
	if !t.latest.IsZero() && h.ModTime.After(t.latest) {
		h.ModTime = t.latest
	}
	return t.WriteHeader(h)
}
