package control

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tree is the special files by their path below the mount point, "." being the mount point itself. Its methods may be
// called from many goroutines.
type Tree struct {
	started time.Time
	files   map[string]entry // those that are always there
	jobs    *jobs
	events  *Feed
}

type entry struct {
	file   File
	listed bool
}

const (
	ctlDir    = "ctl"
	jobsDir   = "ctl/jobs"
	latestJob = "latest"
)

// Owns tells whether a path, which need not exist, is this tree's.
func (t *Tree) Owns(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	_, ok := t.files[top]
	return ok || top == ctlDir
}

// File returns the special file at a path.
func (t *Tree) File(name string) (File, bool) {
	if e, ok := t.files[name]; ok {
		return e.file, true
	}
	j, base := t.job(name)
	if j == nil || base == "" {
		return nil, false
	}
	return j.file(base)
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

// Lstat describes a path, listed or not.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	i := info{name: path.Base(name), time: t.started}
	j, base := t.job(name)
	if j != nil {
		i.time = j.changed()
	}
	file, isFile := t.File(name)
	switch {
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

// ReadLink returns the target of the one symlink there is.
func (t *Tree) ReadLink(name string) (string, error) {
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
		names = append(names, ctlDir)
	case dir == ctlDir:
		names = append(names, path.Base(jobsDir))
	case dir == jobsDir:
		names = append(names, t.jobs.names()...)
	case j != nil && base == "":
		names = append(names, jobFiles...)
	}
	slices.Sort(names)
	return names
}

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
