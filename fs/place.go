package fs

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
)

// place is where one mount has its parts. Its JSON is what a holder leaves in its state directory for [findPlace].
type place struct {
	Mountpoint string // absolute, its parent without symlinks
	Content    string
	State      string
	Root       string // the store's directory
}

// placeOf finds the parts of the mount at mountpoint without touching what is mounted there, which may be dead.
// content may be empty.
func placeOf(mountpoint, content string) (place, error) {
	abs, err := filepath.Abs(mountpoint)
	if err != nil {
		return place{}, err
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return place{}, err
	}
	abs = filepath.Join(parent, filepath.Base(abs))
	run, err := runDir()
	if err != nil {
		return place{}, err
	}
	name := fmt.Sprintf("%.32s-%x", filepath.Base(abs), sha256.Sum256([]byte(abs)))
	name = name[:len(name)-56] // eight digits of 64
	p := place{Mountpoint: abs, Content: filepath.Join(run, name), State: filepath.Join(run, name+".state")}
	if content != "" {
		p.Content, err = filepath.Abs(content)
	}
	return p, err
}

// findPlace finds the parts of what was mounted at mountpoint, its content where the holder put it.
func findPlace(mountpoint string) (place, error) {
	p, err := placeOf(mountpoint, "")
	if err != nil {
		return place{}, err
	}
	text, err := os.ReadFile(p.record())
	if errors.Is(err, fs.ErrNotExist) {
		return place{}, notMounted(p)
	}
	if err != nil {
		return place{}, err
	}
	err = json.Unmarshal(text, &p)
	return p, err
}

// write leaves the place's parts for findPlace.
func (p place) write() error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(p.record(), text, 0o600)
}

// runDir is the directory of this user's mounts. It is made if it is missing, and refused if it is another user's.
func runDir() (string, error) {
	dir := "/run/imagefs"
	if os.Geteuid() != 0 {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("imagefs-%d", os.Geteuid()))
		if xdg := os.Getenv("XDG_RUNTIME_DIR"); xdg != "" {
			dir = filepath.Join(xdg, "imagefs")
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return "", &os.PathError{Op: "lstat", Path: dir, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return "", &imagefs.Error{
			Kind: imagefs.Denied, Subject: dir,
			Err:  fmt.Errorf("%s is not a directory that only this user can write to", dir),
			Hint: "remove it, or set XDG_RUNTIME_DIR",
		}
	}
	return dir, nil
}

// lock takes the place for this process, until release, which also removes the state directory.
func (p place) lock() (release func(), err error) {
	for {
		f, err := p.tryLock()
		if err != nil {
			return nil, err
		}
		if f != nil {
			return func() {
				os.RemoveAll(p.State) // a holder that is killed leaves it, too
				f.Close()
			}, nil
		}
	}
}

// tryLock returns no file if the one it locked was removed meanwhile, by the holder before.
func (p place) tryLock() (*os.File, error) {
	if err := os.MkdirAll(p.State, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(p.State, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		f.Close()
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, &imagefs.Error{
			Kind: imagefs.InUse, Subject: p.Mountpoint,
			Err:  fmt.Errorf("imagefs is mounted at %s already", p.Mountpoint),
			Hint: "imagefs umount " + p.Mountpoint,
		}
	}
	if err != nil {
		return nil, err
	}
	locked, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if now, err := os.Stat(path); err != nil || !os.SameFile(locked, now) {
		f.Close()
		return nil, nil
	}
	return f, nil
}

func (p place) record() string { return filepath.Join(p.State, "place.json") }
func (p place) socket() string { return filepath.Join(p.State, "socket") }
