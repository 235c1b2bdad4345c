package conn

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// mountByHelper has fusermount3 mount dir and hand over the descriptor, through the socket that _FUSE_COMMFD names.
func mountByHelper(dir string, o MountOptions) (*os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[0])
	theirs := os.NewFile(uintptr(pair[1]), "socketpair")
	defer theirs.Close()
	if err := fusermount([]string{"-o", o.helperOptions(), "--", dir}, theirs); err != nil {
		return nil, &os.PathError{Op: "mount", Path: dir, Err: err}
	}
	fd, err := receiveFD(pair[0])
	if err != nil {
		return nil, &os.PathError{Op: "mount", Path: dir, Err: fmt.Errorf("fusermount3 sent no descriptor: %w", err)}
	}
	return os.NewFile(uintptr(fd), "/dev/fuse"), nil
}

func unmountByHelper(dir string, lazy bool) error {
	args := []string{"-u"}
	if lazy {
		args = append(args, "-z")
	}
	if err := fusermount(append(args, "--", dir), nil); err != nil {
		return &os.PathError{Op: "unmount", Path: dir, Err: err}
	}
	return nil
}

// helperOptions are those of mount(8), in which fusermount3 finds a comma or a backslash by its backslash.
func (o MountOptions) helperOptions() string {
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace
	options := append([]string{"nosuid", "nodev", "fsname=" + escape(o.FSName), "subtype=" + escape(o.Subtype)},
		o.fuseOptions()...)
	if o.ReadOnly {
		options = append(options, "ro", "noatime")
	}
	return strings.Join(options, ",")
}

func fusermount(args []string, comm *os.File) error {
	path, err := lookHelper("fusermount3", "/usr/bin/fusermount3", "/bin/fusermount3")
	if err != nil {
		return err
	}
	var words bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stderr = &words
	if comm != nil {
		cmd.Env = append(cmd.Env, "_FUSE_COMMFD=3")
		cmd.ExtraFiles = []*os.File{comm}
	}
	err = cmd.Run()
	if err == nil {
		return nil
	}
	if words.Len() == 0 {
		return fmt.Errorf("fusermount3: %w", err)
	}
	return newHelperError(words.String())
}

// lookHelper finds fusermount3 in PATH, or where distributions put it: a mount unit has no PATH.
func lookHelper(candidates ...string) (string, error) {
	for _, name := range candidates {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", &helperError{
		words: "mounting needs root, or fusermount3, which is not installed (Debian's package is fuse3)",
		errno: syscall.ENOENT,
	}
}

// helperError is what fusermount3 said, and the errno that its words end with.
type helperError struct {
	words string
	errno syscall.Errno
}

// newHelperError finds the errno by its text, since fusermount3's exit status is 1 for everything.
func newHelperError(words string) *helperError {
	e := &helperError{words: strings.TrimSpace(words), errno: syscall.EIO}
	for _, errno := range []syscall.Errno{
		syscall.EBUSY, syscall.EACCES, syscall.EPERM, syscall.ENOENT, syscall.EINVAL, syscall.ENODEV, syscall.ENOTDIR,
	} {
		if strings.HasSuffix(strings.ToLower(e.words), errno.Error()) {
			e.errno = errno
		}
	}
	return e
}

func (e *helperError) Error() string { return e.words }
func (e *helperError) Unwrap() error { return e.errno }

// receiveFD takes the one descriptor that waits in a socket.
func receiveFD(socket int) (int, error) {
	var data [1]byte
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, data[:], control, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return -1, err
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil && len(fds) == 1 {
			return fds[0], nil
		}
	}
	return -1, unix.EBADMSG
}
