package content

import (
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/fs/errno"
)

// maxComplaints is how many causes are remembered.
const maxComplaints = 1000

// complaints logs why requests fail, each cause once, not each time that it is met.
type complaints struct {
	printf func(format string, args ...any)

	mu   sync.Mutex // guards made
	made map[string]bool
}

// status returns what tells err best to the kernel. What the store should have and has not is EIO, never ENOENT.
func (c *complaints) status(n node, err error) fuse.Status {
	e := errno.Of(err)
	if e == syscall.ESTALE {
		return fuse.Status(e)
	}
	if e == syscall.ENOENT {
		e = syscall.EIO
	}
	where := "a node"
	if n != nil {
		where = n.path()
	}
	if c.fresh(where + "\x00" + err.Error()) {
		c.printf("%s: %v", where, err)
	}
	return fuse.Status(e)
}

func (c *complaints) fresh(cause string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made[cause] {
		return false
	}
	if c.made == nil || len(c.made) >= maxComplaints {
		c.made = make(map[string]bool)
	}
	c.made[cause] = true
	return true
}
