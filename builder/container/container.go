package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	digest "github.com/opencontainers/go-digest"

	"github.com/imagefs/imagefs/store/tree"
)

// Container is a working container as it was made. It does not change.
type Container struct {
	ID      string `json:"Id"` // 64 hex digits
	Name    string
	Created time.Time
	Image   digest.Digest // the ID of the image it stands on
	// UserXattr tells that the upper directory's marks are user.overlay.*, as in a user namespace, instead of
	// trusted.overlay.*.
	UserXattr bool `json:",omitempty"`
	// Config is how a process is to run in it, as docker's API has it. This package does not look into it.
	Config json.RawMessage

	dir string
}

// Dir is the directory of a store's containers.
func Dir(root string) string { return filepath.Join(root, "containers") }

// ErrExists is that a name is taken.
var ErrExists = errors.New("the name is in use")

// Create makes the directory of c, which has all but its UserXattr. Unless image is nil, which it is if nothing is to run in
// the container, what a process's mounts need and the image lacks is there. The caller holds ROOT/lock.
func Create(root string, c Container, image *tree.Tree) (*Container, error) {
	sweep(root, coming)
	c.dir = filepath.Join(Dir(root), c.Name)
	c.UserXattr = inUserNamespace()
	if _, err := os.Lstat(c.dir); err == nil {
		return nil, ErrExists
	}
	temp := filepath.Join(Dir(root), coming+c.ID)
	err := c.write(temp)
	if err == nil && image != nil {
		err = layBase(filepath.Join(temp, baseDir), image)
	}
	if err == nil {
		err = os.Rename(temp, c.dir)
	}
	if err == nil {
		err = syncDir(Dir(root))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make container %s: %w", c.Name, err), os.RemoveAll(temp))
	}
	return &c, nil
}

func (c *Container) write(dir string) error {
	for _, name := range []string{"upper", "work", "merged"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(c, "", "    ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, configFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close(), syncDir(dir))
}

const configFile = "config.json"

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Open returns the container of that name; fs.ErrNotExist.
func Open(root, name string) (*Container, error) {
	if name == "" || name[0] == '.' || strings.Contains(name, "/") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	c := &Container{dir: filepath.Join(Dir(root), name)}
	text, err := c.ConfigText()
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(c.dir, configFile), err)
	}
	return c, nil
}

// List returns a store's containers, sorted by name.
func List(root string) ([]*Container, error) {
	entries, err := os.ReadDir(Dir(root))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []*Container
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		c, err := Open(root, e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went, or is no container
		}
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, err
}

// ConfigText is config.json as it stands.
func (c *Container) ConfigText() ([]byte, error) {
	return os.ReadFile(filepath.Join(c.dir, configFile))
}

// Rootfs is where the container's files are, while it is mounted.
func (c *Container) Rootfs() string { return filepath.Join(c.dir, "merged") }

func (c *Container) upper() string { return filepath.Join(c.dir, "upper") }
