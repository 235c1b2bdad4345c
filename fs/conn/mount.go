package conn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// MountOptions says how a connection is mounted.
type MountOptions struct {
	FSName     string // first column of /proc/mounts
	Subtype    string // the file system's type is fuse.Subtype
	ReadOnly   bool   // and noatime; every mount is nosuid,nodev
	AllowOther bool   // and default_permissions
	MaxRead    int    // bytes
}

// Mount opens /dev/fuse and mounts it on dir: by mount(2) where the process may, through fusermount3 otherwise.
// The descriptor is close-on-exec.
func Mount(dir string, o MountOptions) (*os.File, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &os.PathError{Op: "mount", Path: dir, Err: syscall.ENOTDIR}
	}
	dev, err := mountDirectly(dir, o)
	if !notPermitted(err) {
		return dev, err
	}
	return mountByHelper(dir, o)
}

// Unmount detaches the file system at dir: by umount2(2) where the process may, through fusermount3 otherwise. lazy
// detaches it although it is busy. EBUSY otherwise.
func Unmount(dir string, lazy bool) error {
	flags := 0
	if lazy {
		flags = unix.MNT_DETACH
	}
	err := unix.Unmount(dir, flags)
	if notPermitted(err) {
		return unmountByHelper(dir, lazy)
	}
	if err != nil {
		return &os.PathError{Op: "unmount", Path: dir, Err: err}
	}
	return nil
}

func notPermitted(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)
}

func mountDirectly(dir string, o MountOptions) (*os.File, error) {
	// Not os.OpenFile, which would make the description non-blocking for its poller.
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/fuse", Err: err}
	}
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV)
	if o.ReadOnly {
		flags |= unix.MS_RDONLY | unix.MS_NOATIME
	}
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, os.Geteuid(), os.Getegid())
	for _, option := range o.fuseOptions() {
		data += "," + option
	}
	if err := unix.Mount(o.FSName, dir, "fuse."+o.Subtype, flags, data); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "mount", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), "/dev/fuse"), nil
}

// fuseOptions are those that fuse(4) itself parses.
func (o MountOptions) fuseOptions() []string {
	var options []string
	if o.MaxRead > 0 {
		options = append(options, fmt.Sprintf("max_read=%d", o.MaxRead))
	}
	if o.AllowOther {
		options = append(options, "allow_other", "default_permissions")
	}
	return options
}
