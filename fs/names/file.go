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
	f.handles.open(in.Unique, file)
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

// session returns an open file's session. One that a predecessor opened is opened again.
func (f *FS) session(handle uint64, path string) (control.Session, error) {
	if s := f.handles.get(handle); s != nil {
		return s, nil
	}
	file, err := f.file(path)
	if err != nil {
		return nil, err
	}
	return f.handles.open(handle, file), nil
}

func (f *FS) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (_ fuse.ReadResult, code fuse.Status) {
	path, err := f.path(&in.InHeader)
	defer f.seen(opRead, &in.InHeader, path, time.Now(), &code)
	if err != nil {
		return nil, status(err)
	}
	s, err := f.session(in.Fh, path)
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
	path, err := f.path(&in.InHeader)
	defer f.seen(opWrite, &in.InHeader, path, time.Now(), &code)
	if err != nil {
		return 0, status(err)
	}
	s, err := f.session(in.Fh, path)
	if err != nil {
		return 0, status(err)
	}
	ctx, end := interruptible(cancel)
	defer end()
	n, err := s.Write(ctx, callOf(&in.InHeader, in.Flags), data)
	f.Changed() // before the answer, so that whoever wrote finds what the line did
	if err != nil {
		return 0, status(err)
	}
	return uint32(n), fuse.OK
}

func callOf(h *fuse.InHeader, flags uint32) control.Call {
	return control.Call{
		Unique: h.Unique, UID: h.Uid, NonBlock: flags&syscall.O_NONBLOCK != 0, Writable: writable(flags),
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

func (f *FS) Flush(_ <-chan struct{}, _ *fuse.FlushIn) fuse.Status { return fuse.OK }

// Poll answers FUSE_POLL: see conn.Options. What never blocks is always ready.
func (f *FS) Poll(node, fh uint64, events uint32, wake func()) (ready uint32, errno fuse.Status) {
	path, err := f.ids.path(node)
	if err != nil {
		return 0, status(err)
	}
	s, err := f.session(fh, path)
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
