package conn

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

func TestMountOptions(t *testing.T) {
	for _, test := range []struct {
		name    string
		options MountOptions
		want    []string
	}{
		{"writable", MountOptions{MaxRead: 65536}, []string{"rw,nosuid,nodev,relatime", "max_read=65536"}},
		{"read-only", MountOptions{ReadOnly: true}, []string{"ro,nosuid,nodev,noatime"}},
		{"others", MountOptions{AllowOther: true}, []string{"default_permissions,allow_other"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.options.FSName, test.options.Subtype = fsName, "toy"
			dev, err := Mount(dir, test.options)
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			line := mountLine(t, dir)
			if err := Unmount(dir, false); err != nil {
				t.Error(err)
			}
			for _, want := range append(test.want, "fuse.toy "+fsName) {
				if !strings.Contains(line, want) {
					t.Errorf("%q is not in %q", want, line)
				}
			}
		})
	}
}

func mountLine(t *testing.T, dir string) string {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, " "+dir+" ") {
			return line
		}
	}
	return ""
}

func TestMountNeedsDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Mount(file, MountOptions{FSName: fsName, Subtype: "toy"}); !errors.Is(err, syscall.ENOTDIR) {
		t.Error(err)
	}
	if _, err := Mount(file+"s", MountOptions{FSName: fsName, Subtype: "toy"}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestUnmountBusy(t *testing.T) {
	m := mountToy(t, 8)
	m.serve(t, newToy(), Options{Workers: 2})
	fd, err := unix.Open(filepath.Join(m.dir, "d0", "f0"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := Unmount(m.dir, false); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("Unmount of a busy mount: %v", err)
	}
	if err := Unmount(m.dir, true); err != nil {
		t.Error(err)
	}
	unix.Close(fd)
	if err := Unmount(m.dir, false); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("Unmount of nothing: %v", err)
	}
}

func TestHelperAbsent(t *testing.T) {
	_, err := lookHelper("no-such-program")
	if err == nil || !strings.Contains(err.Error(), "fuse3") {
		t.Errorf("got %v, want the package's name", err)
	}
}

// TestUnprivileged runs mountHelper as a user that may not mount(2).
func TestUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become somebody else")
	}
	if _, err := lookHelper("fusermount3"); err != nil {
		t.Skip(err)
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("/tmp", "conn-nobody")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	self, err := os.Open("/proc/self/exe") // its directory may be root's alone
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{self}
	cmd.Args = []string{"mounter", dir}
	cmd.Dir = "/"
	cmd.Env = []string{helperEnv + "=mounter", "GORACE=atexit_sleep_ms=0"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
		Unmount(dir, true)
	}
}

// mountHelper mounts, serves, reads, and unmounts.
func mountHelper() error {
	dir := os.Args[1]
	if _, err := Mount("/etc", MountOptions{FSName: fsName, Subtype: "toy"}); !errors.Is(err, syscall.EPERM) {
		if err == nil || !strings.Contains(err.Error(), "fusermount3") {
			return errors.New("mounting on /etc: its words are missing")
		}
	}
	dev, err := Mount(dir, MountOptions{FSName: fsName + ",x", Subtype: "toy", ReadOnly: true, MaxRead: 128 << 10})
	if err != nil {
		return err
	}
	slots, err := NewSlots(4, 132<<10)
	if err != nil {
		return err
	}
	s, err := NewServer(dev, slots, newToy(), Options{Fuse: &fuse.MountOptions{}, Workers: 4})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	fd, err := unix.Open(filepath.Join(dir, "d3", "f4"), unix.O_RDONLY, 0) // for fusermount3, too: it inherits it
	if err != nil {
		return err
	}
	if err := Unmount(dir, false); !errors.Is(err, syscall.EBUSY) {
		return errors.Join(errors.New("busy"), err, Unmount(dir, true))
	}
	if err := unix.Close(fd); err != nil {
		return err
	}
	if err := Unmount(dir, false); err != nil {
		return err
	}
	return <-ended
}
