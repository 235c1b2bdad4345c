// Package errno is the one place that knows which errno an error is. docs/errors.md is its table.
package errno

import (
	"errors"
	"syscall"

	"github.com/imagefs/imagefs"
)

var byKind = map[imagefs.Kind]syscall.Errno{
	imagefs.Internal:    syscall.EIO,
	imagefs.Invalid:     syscall.EINVAL,
	imagefs.NotFound:    syscall.ENOENT,
	imagefs.InUse:       syscall.EBUSY,
	imagefs.Denied:      syscall.EACCES,
	imagefs.Refused:     syscall.ECONNREFUSED,
	imagefs.Unreachable: syscall.EHOSTUNREACH,
	imagefs.TimedOut:    syscall.ETIMEDOUT,
	imagefs.Unavailable: syscall.EREMOTEIO,
	imagefs.Corrupt:     syscall.EIO,
	imagefs.NoSpace:     syscall.ENOSPC,
	imagefs.Unsupported: syscall.EOPNOTSUPP,
	imagefs.Canceled:    syscall.EINTR,
}

// Of returns the errno that tells err best; 0 for nil. It is never ENOSYS, which would switch the operation off for the
// whole connection.
func Of(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	var e syscall.Errno
	if kind := imagefs.KindOf(err); kind != imagefs.Internal {
		return byKind[kind]
	}
	if errors.As(err, &e) && e != 0 && e != syscall.ENOSYS {
		return e
	}
	return syscall.EIO
}
