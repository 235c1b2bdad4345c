package archive

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// directory is an OCI image layout, or an archive that was unpacked. No symlink out of it is followed, and nothing that is
// not a regular file is opened.
type directory struct{ root *os.Root }

// openDirectory is for an open directory, which stays its owner's.
func openDirectory(f *os.File) (directory, error) {
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	return directory{root}, err
}

func (d directory) open(name string) (io.ReadCloser, int64, error) {
	name = clean(name)
	info, err := d.root.Stat(name)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, damaged(name, "it is not a regular file")
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() { // it was, a moment ago
		err = damaged(name, "it is not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (d directory) close() error { return d.root.Close() }
