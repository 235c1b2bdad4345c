package container

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Unpack writes what a tar holds into the directory dir. A file takes the place of another, never of a directory, nor a
// directory that of a file. Owners are this process's, or with owners those that the tar says. A later error leaves what
// was written before.
func (f *Files) Unpack(ctx context.Context, dir string, owners bool, from io.Reader) error {
	u := unpacker{files: f, dir: dir, owners: owners}
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if err == io.EOF {
			return u.finish()
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = u.entry(h, r)
		}
		if err != nil {
			return err
		}
	}
}

type unpacker struct {
	files  *Files
	dir    string
	owners bool
	times  []func() error // of directories, which change as long as files are made in them
}

// finish sets directories' times, the deepest first.
func (u *unpacker) finish() error {
	for _, set := range slices.Backward(u.times) {
		if err := set(); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	name := path.Clean("/" + h.Name)
	if name == "/" || h.Typeflag == tar.TypeXGlobalHeader { // which is no file, whatever it is called
		return nil
	}
	at := path.Join(u.dir, name)
	parent, err := u.mkdirAll(path.Dir(at))
	if err != nil {
		return err
	}
	d := directory{File: parent}
	defer d.Close()
	base := path.Base(at)
	if err := u.makeRoom(d, base, h); err != nil {
		return err
	}
	if err := u.make(d, base, h, content); err != nil {
		return d.error("write", base, err)
	}
	if h.Typeflag == tar.TypeLink {
		return nil
	}
	if err := u.attributes(d, base, h); err != nil {
		return d.error("write", base, err)
	}
	if h.Typeflag == tar.TypeDir {
		u.times = append(u.times, func() error { return u.setTimes(at, h) })
	}
	return nil
}

func (u *unpacker) mkdirAll(dir string) (*os.File, error) {
	f, err := u.files.open(dir, unix.O_DIRECTORY)
	if !errors.Is(err, os.ErrNotExist) || dir == "/" || dir == "." {
		return f, err
	}
	parent, err := u.mkdirAll(path.Dir(dir))
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	if err := unix.Mkdirat(int(parent.Fd()), path.Base(dir), 0o755); err != nil {
		return nil, &os.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	return u.files.open(dir, unix.O_DIRECTORY)
}

// makeRoom removes what an entry takes the place of.
func (u *unpacker) makeRoom(d directory, base string, h *tar.Header) error {
	var old unix.Stat_t
	err := unix.Fstatat(int(d.Fd()), base, &old, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	wasDir, isDir := old.Mode&unix.S_IFMT == unix.S_IFDIR, h.Typeflag == tar.TypeDir
	switch {
	case err != nil:
	case wasDir && isDir:
		return nil
	case wasDir:
		return fmt.Errorf("cannot overwrite directory %q with non-directory %q", path.Join(u.dir, h.Name), u.dir)
	case isDir:
		return fmt.Errorf("cannot overwrite non-directory %q with directory %q", path.Join(u.dir, h.Name), u.dir)
	default:
		err = unix.Unlinkat(int(d.Fd()), base, 0)
	}
	if err != nil {
		return d.error("remove", base, err)
	}
	return nil
}

func (u *unpacker) make(d directory, base string, h *tar.Header, content io.Reader) error {
	fd := int(d.Fd())
	device := int(unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor)))
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		file, err := unix.Openat(fd, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return err
		}
		f := os.NewFile(uintptr(file), base)
		_, err = io.Copy(f, content)
		return errors.Join(err, f.Close())
	case tar.TypeDir:
		if err := unix.Mkdirat(fd, base, 0o700); !errors.Is(err, unix.EEXIST) {
			return err
		}
		return nil
	case tar.TypeSymlink:
		return unix.Symlinkat(h.Linkname, fd, base)
	case tar.TypeLink:
		to := path.Join(u.dir, path.Clean("/"+h.Linkname))
		target, err := u.files.open(path.Dir(to), unix.O_DIRECTORY)
		if err != nil {
			return err
		}
		defer target.Close()
		return unix.Linkat(int(target.Fd()), path.Base(to), fd, base, 0)
	case tar.TypeChar:
		return unix.Mknodat(fd, base, unix.S_IFCHR|0o600, device)
	case tar.TypeBlock:
		return unix.Mknodat(fd, base, unix.S_IFBLK|0o600, device)
	case tar.TypeFifo:
		return unix.Mknodat(fd, base, unix.S_IFIFO|0o600, 0)
	}
	return fmt.Errorf("unhandled tar header type %d", h.Typeflag)
}

// attributes come in an order in which none undoes another: a new owner takes setuid bits and capabilities away.
func (u *unpacker) attributes(d directory, base string, h *tar.Header) error {
	if u.owners {
		if err := unix.Fchownat(int(d.Fd()), base, h.Uid, h.Gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
	}
	if h.Typeflag != tar.TypeSymlink {
		if err := chmod(d, base, uint32(h.Mode&0o7777)); err != nil {
			return err
		}
	}
	for key, value := range h.PAXRecords {
		name, ok := strings.CutPrefix(key, xattrRecord)
		if !ok || !isPortable(name) {
			continue
		}
		err := unix.Lsetxattr(d.proc(base), name, []byte(value), 0)
		if err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.EPERM) {
			return err
		}
	}
	return setTimesAt(d, base, h)
}

// chmod does not follow what may be a symlink by now.
func chmod(d directory, base string, mode uint32) error {
	f, err := d.openAt(base, unix.O_PATH)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Chmod("/proc/self/fd/"+strconv.Itoa(int(f.Fd())), mode)
}

func (u *unpacker) setTimes(at string, h *tar.Header) error {
	parent, err := u.files.open(path.Dir(at), unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer parent.Close()
	return setTimesAt(directory{File: parent}, path.Base(at), h)
}

func setTimesAt(d directory, base string, h *tar.Header) error {
	modified := unix.NsecToTimespec(h.ModTime.UnixNano())
	accessed := unix.NsecToTimespec(time.Now().UnixNano())
	return unix.UtimesNanoAt(int(d.Fd()), base, []unix.Timespec{accessed, modified}, unix.AT_SYMLINK_NOFOLLOW)
}
