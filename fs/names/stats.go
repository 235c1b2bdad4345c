package names

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// op is a kind of request.
type op uint8

const (
	opLookup op = iota
	opGetAttr
	opSetAttr
	opReadlink
	opAccess
	opStatFs
	opOpenDir
	opReadDir
	opReadDirPlus
	opOpen
	opRead
	opWrite
	opCreate
	opFlush
	opSymlink
	opRename
	opUnlink
	opMkdir
	opRmdir
	ops
)

func (o op) String() string {
	return [ops]string{
		"lookup", "getattr", "setattr", "readlink", "access", "statfs", "opendir", "readdir", "readdirplus", "open",
		"read", "write", "create", "flush", "symlink", "rename", "unlink", "mkdir", "rmdir",
	}[o]
}

// counts are the requests that were answered, and those of them with an error.
type counts [ops]struct{ all, failed atomic.Int64 }

// seen counts a request and tells the readers of .accesslog, but not of themselves. It is deferred.
func (f *FS) seen(o op, h *fuse.InHeader, path string, start time.Time, code *fuse.Status) {
	f.counts[o].all.Add(1)
	if !code.Ok() {
		f.counts[o].failed.Add(1)
	}
	if path == ".accesslog" {
		return
	}
	f.accessLog.Publish(func() []byte {
		return fmt.Appendf(nil, "%s %s /%s uid=%d pid=%d %v %s\n", start.UTC().Format(time.RFC3339Nano), o, path, h.Uid,
			h.Pid, *code, time.Since(start).Round(time.Microsecond))
	})
}

// stats is .stats: Prometheus' text format.
func (f *FS) stats() []byte {
	shown := f.shown.Load()
	text := fmt.Appendf(nil, "# TYPE imagefs_images gauge\nimagefs_images %d\n", len(shown.snap.Images))
	text = fmt.Appendf(text, "# TYPE imagefs_references gauge\nimagefs_references %d\n", len(shown.snap.References))
	text = append(text, f.files.Stats()...)
	text = append(text, "# TYPE imagefs_requests_total counter\n"...)
	for o := range ops {
		text = fmt.Appendf(text, "imagefs_requests_total{op=%q} %d\n", o.String(), f.counts[o].all.Load())
	}
	text = append(text, "# TYPE imagefs_request_errors_total counter\n"...)
	for o := range ops {
		text = fmt.Appendf(text, "imagefs_request_errors_total{op=%q} %d\n", o.String(), f.counts[o].failed.Load())
	}
	return text
}
