package conn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// connections is where fusectl, which has a directory for each connection, is usually mounted.
const connections = "/sys/fs/fuse/connections"

// Abort ends the connection mounted at dir, so that all that wait for it get an error. It does not wait for the
// connection itself.
func Abort(dir string) error {
	minor, err := connectionAt(dir)
	if err != nil {
		return &os.PathError{Op: "abort", Path: dir, Err: err}
	}
	err = abort(minor)
	if errors.Is(err, fs.ErrNotExist) {
		// Nobody has mounted fusectl: a container, or a machine without systemd.
		if unix.Mount("fusectl", connections, "fusectl", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "") == nil {
			err = errors.Join(abort(minor), unix.Unmount(connections, unix.MNT_DETACH))
		}
	}
	return err
}

func abort(minor string) error {
	f, err := os.OpenFile(filepath.Join(connections, minor, "abort"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("1")
	return errors.Join(err, f.Close())
}

// connectionAt returns the name of the connection in fusectl: the minor number of its device. An O_PATH descriptor
// tells the mount's number, and no request is sent for it.
func connectionAt(dir string) (string, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return "", err
	}
	var id string
	for line := range strings.Lines(string(info)) {
		if value, ok := strings.CutPrefix(line, "mnt_id:"); ok {
			id = strings.TrimSpace(value)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	return minorOf(string(mounts), id)
}

// minorOf finds the mount of that number in the text of proc_pid_mountinfo(5).
func minorOf(mounts, id string) (string, error) {
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if len(fields) < 3 || fields[0] != id {
			continue
		}
		if !strings.HasPrefix(after, "fuse") {
			return "", fmt.Errorf("no FUSE file system is mounted there: %w", unix.EINVAL)
		}
		_, minor, _ := strings.Cut(fields[2], ":")
		return minor, nil
	}
	return "", fmt.Errorf("mount %s is not in /proc/self/mountinfo: %w", id, unix.EINVAL)
}
