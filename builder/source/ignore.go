package source

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"sync"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// ignoring is a tree without what patterns match.
type ignoring struct {
	Tree
	mu    sync.Mutex // guards match, which compiles a pattern when it is first needed
	match *patternmatcher.PatternMatcher
}

// Ignore returns a tree without what the patterns of a .dockerignore file match.
func Ignore(t Tree, file io.Reader) (Tree, error) {
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	if len(patterns) == 0 {
		return t, nil
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	return &ignoring{Tree: t, match: m}, nil
}

// ReadIgnore reads the .dockerignore file of a Dockerfile: its own, or else the context's; nil if there is none.
func ReadIgnore(t Tree, dockerfile string) ([]byte, error) {
	for _, name := range []string{dockerfile + ".dockerignore", ".dockerignore"} {
		real, f, err := Resolve(t, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if f != nil && f.IsRegular() {
			r, err := t.Open(real)
			if err != nil {
				return nil, err
			}
			defer r.Close()
			text, err := io.ReadAll(r)
			return append([]byte{}, text...), err
		}
	}
	return nil, nil
}

func (i *ignoring) Lstat(name string) (*File, error) {
	f, err := i.Tree.Lstat(name)
	if err != nil || name == "." {
		return f, err
	}
	shown, err := i.shows(name, f)
	if err == nil && !shown {
		err = notExist(name)
	}
	return f, err
}

// shows tells whether a file is there: one that no pattern matches, and a directory that has such files.
func (i *ignoring) shows(name string, f *File) (bool, error) {
	i.mu.Lock()
	ignored, err := i.match.MatchesOrParentMatches(name)
	i.mu.Unlock()
	if err != nil || !ignored {
		return !ignored, err
	}
	if !f.IsDir() || !i.match.Exclusions() {
		return false, nil
	}
	names, err := i.ReadDir(name)
	return len(names) > 0, err
}

func (i *ignoring) ReadDir(name string) ([]string, error) {
	all, err := i.Tree.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, one := range all {
		switch _, err := i.Lstat(path.Join(name, one)); {
		case err == nil:
			names = append(names, one)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return names, nil
}
