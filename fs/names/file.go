package names

import (
	"io/fs"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/imagefs/imagefs/fs/control"
)

// Open gives a file the number of its request as a handle, which no other open file of the connection has, in this
// server or the next. The kernel caches nothing of a file.
func (f *FS) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) (code fuse.Status) {
	path, err := f.path(&in.InHeader)
	defer f.seen(opOpen, &in.InHeader, path, time.Now(), &code)
	if err != nil {
		return status(err)
	}
	file, err := f.file(path)
	if err != nil {
		return status(err)
	}
	if writable(in.Flags) && file.Mode()&0o200 == 0 {
		return fuse.EACCES
	}
	f.handles.describe(in.NodeId, f.handles.open(in.Unique, file))
	out.Fh, out.OpenFlags = in.Unique, fuse.FOPEN_DIRECT_IO
	if file.Stream(writable(in.Flags)) {
		out.OpenFlags |= fuse.FOPEN_STREAM
	}
	return fuse.OK
}

// file returns the file at path, of the view or of the control files.
func (f *FS) file(path string) (control.File, error) {
	if file, ok := f.files.File(path); ok {
		return file, nil
	}
	view := f.view()
	i, err := view.Lstat(path)
	if err != nil {
		return nil, err
	}
	if i.IsDir() {
		return nil, syscall.EISDIR
	}
	return control.Text(i.Mode(), func() []byte {
		text, err := fs.ReadFile(view, path)
		if err != nil {
			return nil // the view cannot change, and holds it
		}
		return text
	}), nil
}

func writable(flags uint32) bool { return flags&syscall.O_ACCMODE != syscall.O_RDONLY }

// session returns an open file's session and its path. One that a predecessor opened is opened again.
func (f *FS) session(h *fuse.InHeader, handle uint64) (s control.Session, path string, err error) {
	if s, ok := f.files.Broken(handle); ok && f.handles.get(handle) == nil {
		return s, "imports", nil
	}
	path, err = f.path(h)
	if s := f.handles.get(handle); s != nil {
		return s, path, nil // also if its name is gone
	}
	if err != nil {
		return nil, path, err
	}
	file, err := f.file(path)
	if err != nil {
		return nil, path, err
	}
	return f.handles.open(handle, file), path, nil
}

// Create makes a file in imports, which is a stream until it is closed.
func (f *FS) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) (code fuse.Status) {
	dir, err := f.path(&in.InHeader)
	at := join(dir, name)
	defer f.seen(opCreate, &in.InHeader, at, time.Now(), &code)
	switch {
	case err != nil:
		return status(err)
	case in.Uid != f.uid && in.Uid != 0:
		return fuse.EACCES
	}
	s, err := f.files.Create(at, in.Unique, in.Uid)
	if err != nil {
		return status(err)
	}
	f.handles.put(in.Unique, s)
	out.Fh, out.OpenFlags = in.Unique, fuse.FOPEN_DIRECT_IO
	i, err := f.lstat(at)
	if err != nil {
		return status(err)
	}
	return status(f.entry(at, i, &out.EntryOut))
}

func (f *FS) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (_ fuse.ReadResult, code fuse.Status) {
	s, path, err := f.session(&in.InHeader, in.Fh)
	defer f.seen(opRead, &in.InHeader, path, time.Now(), &code)
	if err != nil {
		return nil, status(err)
	}
	ctx, end := interruptible(cancel)
	defer end()
	n, err := s.Read(ctx, callOf(&in.InHeader, in.Flags), buf[:min(len(buf), int(in.Size))], int64(in.Offset))
	if err != nil {
		return nil, status(err)
	}
	return fuse.ReadResultData(buf[:n]), fuse.OK
}

func (f *FS) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (written uint32, code fuse.Status) {
	s, path, err := f.session(&in.InHeader, in.Fh)
	defer f.seen(opWrite, &in.InHeader, path, time.Now(), &code)
	if err != nil {
		return 0, status(err)
	}
	ctx, end := interruptible(cancel)
	defer end()
	c := callOf(&in.InHeader, in.Flags)
	c.Offset = int64(in.Offset)
	n, err := s.Write(ctx, c, data)
	f.Changed() // before the answer, so that whoever wrote finds what the line did
	if err != nil {
		return 0, status(err)
	}
	return uint32(n), fuse.OK
}

func callOf(h *fuse.InHeader, flags uint32) control.Call {
	return control.Call{
		Unique: h.Unique, UID: h.Uid, PID: h.Pid, NonBlock: flags&syscall.O_NONBLOCK != 0, Writable: writable(flags),
	}
}

func (f *FS) Release(_ <-chan struct{}, in *fuse.ReleaseIn) {
	if s := f.handles.remove(in.Fh); s != nil {
		s.Close()
		return
	}
	// A predecessor opened it, and may have written down what it was used for.
	path, err := f.ids.path(in.NodeId)
	if err != nil {
		return
	}
	if file, ok := f.files.File(path); ok {
		file.Open(in.Fh).Close()
	}
}

// Flush is a close(2). It tells how the copy of an archive into imports went.
func (f *FS) Flush(cancel <-chan struct{}, in *fuse.FlushIn) (code fuse.Status) {
	defer f.seen(opFlush, &in.InHeader, "", time.Now(), &code)
	s := f.handles.get(in.Fh)
	if s == nil {
		s, _ = f.files.Broken(in.Fh)
	}
	flusher, ok := s.(control.Flusher)
	if !ok {
		return fuse.OK
	}
	ctx, end := interruptible(cancel)
	defer end()
	err := flusher.Flush(ctx)
	f.Changed() // before the answer, as for a line
	return status(err)
}

// Poll answers FUSE_POLL: see conn.Options. What never blocks is always ready.
func (f *FS) Poll(node, fh uint64, events uint32, wake func()) (ready uint32, errno fuse.Status) {
	s, _, err := f.session(&fuse.InHeader{NodeId: node, Caller: fuse.Caller{Owner: fuse.Owner{Uid: f.uid}}}, fh)
	if err != nil {
		return 0, status(err)
	}
	const in, out = 0x1 | 0x40, 0x4 | 0x100 // POLLIN|POLLRDNORM, POLLOUT|POLLWRNORM
	ready = out
	if s.Ready(wake) {
		ready |= in
	}
	return ready & events, fuse.OK
}
