package control

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/imagefs/imagefs/builder/container"
)

// containers is containers/: a directory for each working container.
type containers struct{ engine Containers }

// containerFiles are in each of them.
var containerFiles = []string{"changes", "config.json", "created", "image", "rootfs", "status"}

func (t containers) names() []string {
	all, err := t.engine.Containers()
	if err != nil {
		return nil
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	return names
}

// get returns the container of that name, which does not go by its ID here; nil if there is none.
func (t containers) get(name string) *container.Container {
	c, err := t.engine.Container(name)
	if err != nil || c.Name != name {
		return nil
	}
	return c
}

func (t containers) isDir(name string) bool { return t.get(name) != nil }

func (t containers) children(dir string) []string {
	if !t.isDir(dir) {
		return nil
	}
	return containerFiles
}

func (t containers) find(name string) (File, bool) {
	dir, base, _ := strings.Cut(name, "/")
	c := t.get(dir)
	if c == nil {
		return nil, false
	}
	switch base {
	case "changes":
		return changesFile{t.engine, c}, true
	case "config.json":
		return containerText{c, func() []byte {
			text, _ := c.ConfigText() // or it has just been removed
			return text
		}}, true
	case "created":
		return containerText{c, func() []byte { return fmt.Appendln(nil, c.Created.Format(time.RFC3339Nano)) }}, true
	case "status":
		return containerText{c, func() []byte {
			status, _ := c.Status()
			return fmt.Appendln(nil, status)
		}}, true
	case "image":
		return containerLink{containerText{c, nil}, "../../by-id/" + c.Image.Encoded()}, true
	case "rootfs":
		return containerLink{containerText{c, nil}, c.Rootfs()}, true
	}
	return nil, false
}

func (t containers) modTime(dir string) time.Time {
	if c := t.get(dir); c != nil {
		return c.Created
	}
	return time.Time{}
}

// containerText is a file that is as old as the container.
type containerText struct {
	*container.Container
	content func() []byte
}

func (f containerText) ModTime() time.Time  { return f.Created }
func (f containerText) Mode() fs.FileMode   { return 0o444 }
func (f containerText) Size() int64         { return int64(len(f.content())) }
func (f containerText) Stream(bool) bool    { return false }
func (f containerText) Open(uint64) Session { return &textSession{content: f.content} }

// containerLink is a symlink.
type containerLink struct {
	containerText
	target string
}

func (f containerLink) Mode() fs.FileMode { return fs.ModeSymlink | 0o777 }
func (f containerLink) Size() int64       { return int64(len(f.target)) }
func (f containerLink) readLink() string  { return f.target }

// changesFile is docker's diff, made for each descriptor when it is first read.
type changesFile struct {
	engine Containers
	of     *container.Container
}

func (f changesFile) ModTime() time.Time  { return f.of.Created }
func (f changesFile) Mode() fs.FileMode   { return 0o444 }
func (f changesFile) Size() int64         { return 0 }
func (f changesFile) Stream(bool) bool    { return false }
func (f changesFile) Open(uint64) Session { return &changesSession{file: f} }

type changesSession struct {
	readOnly
	file changesFile

	mu   sync.Mutex // guards text
	text *bytes.Reader
}

func (s *changesSession) Read(ctx context.Context, _ Call, p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text == nil || off == 0 {
		changes, err := s.file.engine.Changes(ctx, s.file.of.ID)
		if err != nil {
			return 0, err
		}
		var text []byte
		for _, c := range changes {
			text = fmt.Appendln(text, c)
		}
		s.text = bytes.NewReader(text)
	}
	return readAt(s.text, p, off)
}
