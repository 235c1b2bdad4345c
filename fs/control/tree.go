package control

import (
	"context"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Tree is the special files by their path below the mount point, "." being the mount point itself. Its methods may be
// called from many goroutines.
type Tree struct {
	started time.Time
	files   map[string]entry // those that are always there
	folders map[string]folder
	jobs    *jobs
	events  *Feed
	exports *exports
	imports *imports

	containers Containers
}

// folder is a directory of the mount point whose files come and go.
type folder interface {
	// find returns a file, listed or not.
	find(name string) (File, bool)
	// isDir tells whether a path in it is a directory.
	isDir(name string) bool
	// names are those that are listed.
	names() []string
}

// dated is a file that is not as old as the tree.
type dated interface{ ModTime() time.Time }

// nested is a folder whose directories list what is in them, and are not as old as the tree.
type nested interface {
	children(dir string) []string
	modTime(dir string) time.Time
}

// link is a file that is a symlink.
type link interface{ readLink() string }

type entry struct {
	file   File
	listed bool
}

const (
	ctlDir     = "ctl"
	jobsDir    = "ctl/jobs"
	latestJob  = "latest"
	exportsDir = "exports"
	importsDir = "imports"
	searchDir  = "search"

	containersDir = "containers" // a directory for each working container
)

// Owns tells whether a path, which need not exist, is this tree's.
func (t *Tree) Owns(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	_, isFile := t.files[top]
	return isFile || top == ctlDir || t.folders[top] != nil
}

// File returns the special file at a path.
func (t *Tree) File(name string) (File, bool) {
	if e, ok := t.files[name]; ok {
		return e.file, true
	}
	if f, rest := t.folder(name); f != nil {
		return f.find(rest)
	}
	j, base := t.job(name)
	if j == nil || base == "" {
		return nil, false
	}
	return j.file(base)
}

// folder takes a path in a folder apart; f is nil for the folder itself.
func (t *Tree) folder(name string) (f folder, rest string) {
	top, rest, _ := strings.Cut(name, "/")
	if rest == "" {
		return nil, ""
	}
	return t.folders[top], rest
}

// nested takes a path in a folder apart whose directories list what is in them; n is nil for any other.
func (t *Tree) nested(name string) (n nested, rest string) {
	f, rest := t.folder(name)
	n, _ = f.(nested)
	return n, rest
}

// isDir tells whether a path is a directory, jobs' own aside.
func (t *Tree) isDir(name string) bool {
	if f, rest := t.folder(name); f != nil {
		return f.isDir(rest)
	}
	return t.folders[name] != nil
}

// job takes a path below ctl/jobs/N apart. base is "" for the directory itself.
func (t *Tree) job(name string) (j *job, base string) {
	rest, ok := strings.CutPrefix(name, jobsDir+"/")
	if !ok {
		return nil, ""
	}
	number, base, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(number)
	if err != nil || strconv.Itoa(n) != number {
		return nil, ""
	}
	return t.jobs.get(n), base
}

// Exists tells whether there is a path, listed or not.
func (t *Tree) Exists(name string) bool {
	if _, ok := t.File(name); ok || t.isDir(name) || name == ctlDir || name == jobsDir {
		return true
	}
	j, base := t.job(name)
	return j != nil && base == "" || name == path.Join(jobsDir, latestJob) && t.jobs.latest() != nil
}

// Lstat describes a path, listed or not.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	i := info{name: path.Base(name), time: t.started}
	j, base := t.job(name)
	if j != nil {
		i.time = j.changed()
	}
	file, isFile := t.File(name)
	if d, ok := file.(dated); ok {
		i.time = d.ModTime()
	}
	switch {
	case t.isDir(name):
		i.mode = fs.ModeDir | 0o755
		if n, dir := t.nested(name); n != nil {
			i.time = n.modTime(dir)
		}
	case name == ctlDir, name == jobsDir, j != nil && base == "":
		i.mode = fs.ModeDir | 0o700
	case name == path.Join(jobsDir, latestJob) && t.jobs.latest() != nil:
		latest := t.jobs.latest()
		i.mode, i.time, i.size = fs.ModeSymlink|0o777, latest.Started, int64(len(latest.name()))
	case isFile:
		i.mode, i.size = file.Mode(), file.Size()
	default:
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	return i, nil
}

// ReadLink returns the target of a symlink.
func (t *Tree) ReadLink(name string) (string, error) {
	if file, ok := t.File(name); ok {
		if l, ok := file.(link); ok {
			return l.readLink(), nil
		}
	}
	if name == path.Join(jobsDir, latestJob) {
		if j := t.jobs.latest(); j != nil {
			return j.name(), nil
		}
	}
	return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
}

// ReadDir lists what is listed, sorted by name. The entries of "." are what the tree adds to the mount point.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	var list []fs.DirEntry
	for _, base := range t.children(name) {
		i, err := t.Lstat(path.Join(name, base))
		if err == nil { // a job may be forgotten meanwhile
			list = append(list, fs.FileInfoToDirEntry(i))
		}
	}
	if list == nil {
		i, err := t.Lstat(name)
		if err != nil || !i.IsDir() {
			return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
		}
	}
	return list, nil
}

func (t *Tree) children(dir string) []string {
	var names []string
	for name, e := range t.files {
		if e.listed && path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	switch j, base := t.job(dir); {
	case dir == ".":
		names = slices.AppendSeq(append(names, ctlDir), maps.Keys(t.folders))
	case t.folders[dir] != nil:
		names = t.folders[dir].names()
	case dir == ctlDir:
		names = append(names, path.Base(jobsDir))
	case dir == jobsDir:
		names = append(names, t.jobs.names()...)
	case j != nil && base == "":
		names = append(names, jobFiles...)
	}
	if n, below := t.nested(dir); n != nil {
		names = slices.Clone(n.children(below))
	}
	slices.Sort(names)
	return names
}

// Create makes a file that is written to under handle, the number of the request that makes it. ENOENT in ctl, where that
// is how a shell writes to a verb that there is none of; EPERM elsewhere.
func (t *Tree) Create(name string, handle uint64, uid uint32) (Session, error) {
	base, ok := strings.CutPrefix(name, importsDir+"/")
	switch {
	case ok:
		s, err := t.imports.create(base, handle, uid)
		if err != nil {
			return nil, err
		}
		return s, nil
	case name == ctlDir || strings.HasPrefix(name, ctlDir+"/"):
		return nil, syscall.ENOENT
	}
	return nil, syscall.EPERM
}

// IsImport tells whether a path is of a file that is being written in imports.
func (t *Tree) IsImport(name string) bool {
	f, rest := t.folder(name)
	if f != t.imports {
		return false
	}
	_, ok := t.imports.find(rest)
	return ok
}

// Remove removes an export. Nothing else can be: EPERM.
func (t *Tree) Remove(name string) error {
	base, ok := strings.CutPrefix(name, exportsDir+"/")
	if !ok {
		return syscall.EPERM
	}
	return t.exports.remove(base)
}

// RemoveDir removes a working container. EPERM for other directories.
func (t *Tree) RemoveDir(ctx context.Context, name string) error {
	base, ok := strings.CutPrefix(name, containersDir+"/")
	if !ok || strings.Contains(base, "/") {
		return syscall.EPERM
	}
	return t.containers.RemoveContainer(ctx, base, false)
}

// Failed keeps why a command of the shell's, which is no line, has failed: as a job that has ended.
func (t *Tree) Failed(verb, words string, c Call, err error) {
	j, _, fault := t.jobs.begin(request{Verb: verb, Command: words, UID: c.UID, Handle: c.Unique, Unique: c.Unique})
	if fault == nil {
		t.jobs.finish(j, err)
		t.jobs.forget(c.Unique)
	}
}

// Broken returns the session that remains of a file which a predecessor has made, if handle is one.
func (t *Tree) Broken(handle uint64) (Session, bool) { return t.jobs.broken(handle) }

// info is a path's fs.FileInfo.
type info struct {
	name string
	mode fs.FileMode
	size int64
	time time.Time
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.time }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

// Unlisted are the paths in a directory that exist and are not listed.
func (t *Tree) Unlisted(dir string) []string {
	var names []string
	for name, e := range t.files {
		if !e.listed && path.Dir(name) == dir {
			names = append(names, name)
		}
	}
	if j, base := t.job(dir); j != nil && base == "" {
		names = append(names, path.Join(dir, "wait"))
	}
	return names
}
