package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imagefs/imagefs"
	"github.com/imagefs/imagefs/store/archive"
)

// exports is the archives that were asked for, by name, in a directory of the store. What is there for NAME is the
// request, as JSON: the archive is made when it is read. Only a compressed one, whose size nobody knows beforehand, is
// there itself. Files that begin with a dot are being written; they are locked.
type exports struct {
	dir  string
	open func(imagefs.SaveRequest) (archiveReader, error)
	save func(context.Context, imagefs.SaveRequest, io.Writer) error
}

// archiveReader is an archive that is made as it is read.
type archiveReader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// isCompressed tells whether archive.Compressor compresses what has that name.
func isCompressed(name string) bool {
	switch path.Ext(name) {
	case ".gz", ".tgz", ".zst":
		return true
	}
	return false
}

func newExports(a Archiver, dir string) *exports {
	e := &exports{
		dir: dir, open: func(req imagefs.SaveRequest) (archiveReader, error) { return a.Archive(req) }, save: a.Save,
	}
	e.sweep()
	return e
}

// add makes an export, or makes another one of it. That its images are not there is an error at once.
func (e *exports) add(ctx context.Context, name string, req imagefs.SaveRequest, j Job) error {
	a, err := e.open(req)
	if err != nil {
		return err
	}
	size := a.Size()
	if err := a.Close(); err != nil {
		return err
	}
	return e.write(name, func(w io.Writer) error {
		if !isCompressed(name) {
			return json.NewEncoder(w).Encode(req)
		}
		to, err := archive.Compressor(name, w)
		if err != nil {
			return err
		}
		return errors.Join(e.save(ctx, req, io.MultiWriter(to, newCounter(name, size, j))), to.Close())
	})
}

// write makes a file at once and for good: it is whole, or not there.
func (e *exports) write(name string, fill func(io.Writer) error) (err error) {
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(e.dir, "."+name+".")
	if err != nil {
		return err
	}
	defer f.Close()
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return os.NewSyscallError("flock", err)
	}
	if err := errors.Join(fill(f), f.Sync()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(e.dir, name)); err != nil {
		return err
	}
	d, err := os.Open(e.dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// sweep removes what killed servers were writing.
func (e *exports) sweep() {
	list, _ := os.ReadDir(e.dir) // which there need not be
	for _, entry := range list {
		if !strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		path := filepath.Join(e.dir, entry.Name())
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.Remove(path)
		}
		f.Close()
	}
}

// remove forgets an export. Who has it open reads on.
func (e *exports) remove(name string) error {
	if checkExport(name) != nil {
		return fs.ErrNotExist
	}
	return os.Remove(filepath.Join(e.dir, name))
}

func (e *exports) names() []string {
	list, _ := os.ReadDir(e.dir) // which there need not be
	var names []string
	for _, entry := range list {
		if checkExport(entry.Name()) == nil && entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
	}
	return names
}

func (e *exports) isDir(string) bool { return false }

func (e *exports) find(name string) (File, bool) {
	if checkExport(name) != nil {
		return nil, false
	}
	info, err := os.Lstat(filepath.Join(e.dir, name))
	if err != nil || !info.Mode().IsRegular() {
		return nil, false
	}
	return exportFile{e, name, info}, true
}

// exportFile is one archive.
type exportFile struct {
	exports *exports
	name    string
	info    fs.FileInfo // of what is stored of it
}

func (f exportFile) Mode() fs.FileMode  { return 0o444 }
func (f exportFile) Stream(bool) bool   { return false }
func (f exportFile) ModTime() time.Time { return f.info.ModTime() }

// Open opens what is there now. What is wrong with it is told by each read.
func (f exportFile) Open(uint64) Session {
	s := &exportSession{file: f}
	s.opened()
	return s
}

// Size is 0 while one of its images is not in the store.
func (f exportFile) Size() int64 {
	if isCompressed(f.name) {
		return f.info.Size()
	}
	a, err := f.archive()
	if err != nil {
		return 0
	}
	defer a.Close()
	return a.Size()
}

// archive is one that is made as it is read.
func (f exportFile) archive() (archiveReader, error) {
	text, err := os.ReadFile(filepath.Join(f.exports.dir, f.name))
	if err != nil {
		return nil, err
	}
	var req imagefs.SaveRequest
	if err := json.Unmarshal(text, &req); err != nil {
		return nil, err
	}
	return f.exports.open(req)
}

// exportSession reads one state of an archive, whatever becomes of its name.
type exportSession struct {
	readOnly
	file exportFile

	mu     sync.Mutex // guards all below
	reader reader     // nil before the first read
}

// reader is an archive, or a file that is one.
type reader interface {
	io.ReaderAt
	io.Closer
}

// Stat describes the archive that is being read.
func (s *exportSession) Stat() (fs.FileInfo, error) {
	r, err := s.opened()
	if err != nil {
		return nil, err
	}
	i := info{name: s.file.name, mode: s.file.Mode(), time: s.file.ModTime(), size: s.file.info.Size()}
	if a, ok := r.(archiveReader); ok {
		i.size = a.Size()
	}
	return i, nil
}

func (s *exportSession) Read(_ context.Context, _ Call, p []byte, off int64) (int, error) {
	r, err := s.opened()
	if err != nil {
		return 0, err
	}
	return readAt(r, p, off)
}

func (s *exportSession) opened() (reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader != nil {
		return s.reader, nil
	}
	r, err := s.file.reader()
	if err == nil {
		s.reader = r
	}
	return r, err
}

func (f exportFile) reader() (reader, error) {
	if isCompressed(f.name) {
		return os.Open(filepath.Join(f.exports.dir, f.name))
	}
	return f.archive()
}

func (s *exportSession) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader != nil {
		s.reader.Close()
	}
}
