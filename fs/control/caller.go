package control

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
)

// caller is who wrote a line, as it was then: its root, its working directory, and its rights, of which it uses no more
// than this server has.
type caller struct {
	root, cwd  *os.File // O_PATH
	sharesRoot bool     // a path from / leads this server to the same
	rights     rights
	own        []string // directories that this server answers for
	devices    []uint64 // of what is mounted there
}

// rights are what the kernel asks for when a file is opened.
type rights struct {
	uid, gid     int
	groups       []int
	capabilities uint64 // the effective ones
}

// callerOf looks at the thread pid, which must be waiting for this server.
func callerOf(pid uint32, own []string) (*caller, error) {
	proc := fmt.Sprintf("/proc/%d/", pid)
	r, err := readRights(proc + "status")
	if err != nil {
		return nil, &imagefs.Error{Kind: imagefs.Denied, Err: fmt.Errorf("the writer of the line cannot be seen: %w", err)}
	}
	c := &caller{rights: r, own: own}
	if c.devices, err = devicesAt(own); err != nil {
		return nil, err
	}
	if users, err := sharesNamespace(proc, "user"); err != nil {
		return nil, err
	} else if !users {
		c.rights.capabilities = 0 // they are not for what is the host's
	}
	if c.root, err = os.OpenFile(proc+"root", unix.O_PATH|unix.O_DIRECTORY, 0); err != nil {
		return nil, err
	}
	if c.cwd, err = os.OpenFile(proc+"cwd", unix.O_PATH|unix.O_DIRECTORY, 0); err != nil {
		return nil, errors.Join(err, c.root.Close())
	}
	if c.sharesRoot, err = sharesRoot(proc, c.root); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// devicesAt are the device numbers of what is mounted at dirs. No mount is asked.
func devicesAt(dirs []string) (devices []uint64, err error) {
	mounts, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) { return !slices.Contains(dirs, m.Mountpoint), false })
	for _, m := range mounts {
		devices = append(devices, unix.Mkdev(uint32(m.Major), uint32(m.Minor)))
	}
	return devices, err
}

// sharesNamespace tells whether a thread has this server's namespace of a kind: see namespaces(7).
func sharesNamespace(proc, kind string) (bool, error) {
	theirs, err := os.Stat(proc + "ns/" + kind)
	if err != nil {
		return false, err
	}
	mine, err := os.Stat("/proc/self/ns/" + kind)
	return err == nil && os.SameFile(theirs, mine), err
}

// sharesRoot tells whether a thread's root is this server's own, with the same mounts below it.
func sharesRoot(proc string, root *os.File) (bool, error) {
	mounts, err := sharesNamespace(proc, "mnt")
	if err != nil || !mounts {
		return false, err
	}
	theirs, err := root.Stat()
	if err != nil {
		return false, err
	}
	mine, err := os.Stat("/")
	return err == nil && os.SameFile(theirs, mine), err
}

// readRights reads them from a thread's status file: see proc_pid_status(5).
func readRights(path string) (r rights, err error) {
	f, err := os.Open(path)
	if err != nil {
		return r, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan() && err == nil; {
		name, value, _ := strings.Cut(lines.Text(), ":")
		fields := strings.Fields(value)
		switch {
		case name == "Uid" && len(fields) == 4:
			r.uid, err = strconv.Atoi(fields[3]) // the file system's
		case name == "Gid" && len(fields) == 4:
			r.gid, err = strconv.Atoi(fields[3])
		case name == "Groups":
			for _, field := range fields {
				group, err := strconv.Atoi(field)
				if err != nil {
					return r, err
				}
				r.groups = append(r.groups, group)
			}
		case name == "CapEff" && len(fields) == 1:
			r.capabilities, err = strconv.ParseUint(fields[0], 16, 64)
		}
	}
	return r, err
}

func (c *caller) close() { errors.Join(c.root.Close(), c.cwd.Close()) }

// open opens a regular file or a directory. What is neither is not opened, and neither is what this server itself
// answers for: a server that waits for itself could not be killed.
func (c *caller) open(path string) (*os.File, error) {
	var (
		f   *os.File
		err error
	)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and not unlocked: the thread ends with the goroutine
		f, err = c.openHere(path)
	}()
	<-ended
	if err != nil {
		return nil, err
	}
	if at, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd())); err == nil && c.isOwn(at) {
		f.Close()
		return nil, isOwn(path)
	}
	return f, nil
}

func isOwn(path string) error {
	return invalid(path, "copy it elsewhere first", "%s is this mount's own", path)
}

func (c *caller) isOwn(path string) bool {
	for _, dir := range c.own {
		if path == dir || strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}

// openHere turns the thread into one like the caller's, for good.
func (c *caller) openHere(path string) (*os.File, error) {
	// What stands below /proc may not be there for the caller.
	descriptors, err := unix.Open("/proc/thread-self/fd", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open", err)
	}
	defer unix.Close(descriptors)
	if err := c.become(); err != nil {
		return nil, err
	}
	found, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, pathFault(path, err)
	}
	defer unix.Close(found)
	var st unix.Statx_t // for which nobody is asked: not this server either
	if err := unix.Statx(found, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st); err != nil {
		return nil, pathFault(path, err)
	}
	if slices.Contains(c.devices, unix.Mkdev(st.Dev_major, st.Dev_minor)) {
		return nil, isOwn(path)
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR {
		return nil, invalid(path, "", "%s is neither a file nor a directory", path)
	}
	fd, err := unix.Openat(descriptors, strconv.Itoa(found), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, pathFault(path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// become takes over the caller's root, working directory and rights.
func (c *caller) become() error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if !c.sharesRoot {
		if err := errors.Join(unix.Fchdir(int(c.root.Fd())), unix.Chroot(".")); err != nil {
			return &imagefs.Error{
				Kind: imagefs.Denied, Err: fmt.Errorf("the writer of the line has another root directory, or other mounts: %w", err),
				Hint: "copy the archive into imports/",
			}
		}
	}
	if err := unix.Fchdir(int(c.cwd.Fd())); err != nil {
		return os.NewSyscallError("fchdir", err)
	}
	if os.Geteuid() != 0 {
		return nil // only its own user's lines come here, or root's
	}
	return c.rights.take()
}

// take gives a thread of root's these rights and no others.
func (r rights) take() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var mine [2]unix.CapUserData
	if err := unix.Capget(&header, &mine[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	// In some user namespaces nobody may set them.
	if groups, err := unix.Getgroups(); err != nil || !slices.Equal(groups, r.groups) {
		if err := unix.Setgroups(r.groups); err != nil {
			return os.NewSyscallError("setgroups", err)
		}
	}
	if err := errors.Join(unix.Setfsgid(r.gid), unix.Setfsuid(r.uid)); err != nil {
		return os.NewSyscallError("setfsuid", err)
	}
	mine[0].Effective &= uint32(r.capabilities)
	mine[1].Effective &= uint32(r.capabilities >> 32)
	return os.NewSyscallError("capset", unix.Capset(&header, &mine[0]))
}

// pathFault is why a path cannot be opened, in docker's words: "open x.tar: no such file or directory".
func pathFault(path string, err error) error {
	return &imagefs.Error{
		Kind: imagefs.KindOf(err), Subject: path, Err: &os.PathError{Op: "open", Path: path, Err: err},
		Hint: "a relative path begins at the working directory of who writes the line",
	}
}
