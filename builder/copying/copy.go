package copying

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/moby/patternmatcher"

	"github.com/imagefs/imagefs/builder/source"
)

// Copy is one COPY or ADD.
type Copy struct {
	Name  string // of the instruction, for errors
	Items []Item
	Dest  string // absolute; one that ends with a slash is a directory
	Owner *Owner // nil for each file's own; an archive's files have their own unless Unpacked says something else
	// Unpacked is the owner of an archive's files.
	Unpacked *Owner
	Mode     *Mode // nil for each file's own
	Parents  bool  // keep the directories that lead to a file
	Link     bool  // regardless of what is there
	Exclude  []string
}

// Item is one of the sources.
type Item struct {
	Tree source.Tree
	Path string // with wildcards, unless the tree is a file's
	// ID says what is in Tree, so that its files need not be read to know; "" if only they tell.
	ID string
	// Unpack has an archive be unpacked, if the file is one.
	Unpack bool
	// Exact says that Path has no wildcards.
	Exact bool
}

// Owner is what --chown says.
type Owner struct{ UID, GID int }

// Found is a Copy whose files are found.
type Found struct {
	Copy
	roots []root
}

// root is a file or directory that is copied.
type root struct {
	item  *Item
	name  string // in its tree
	base  string // what it is called there, or was before symlinks were followed
	to    string // with Parents, the path that is kept
	file  *source.File
	below []entry // of a directory, what is in it, a directory before its entries
}

type entry struct {
	name string // below the root
	file *source.File
}

// SourceError is a source that is not there.
type SourceError struct{ Text string }

func (e *SourceError) Error() string { return e.Text }

// Find finds the files.
func Find(ctx context.Context, c Copy) (*Found, error) {
	f := &Found{Copy: c}
	exclude, err := patternmatcher.New(c.Exclude)
	if err != nil {
		return nil, err
	}
	for i := range f.Items {
		if err := f.find(ctx, &f.Items[i], exclude); err != nil {
			return nil, err
		}
	}
	if len(f.roots) > 1 && !f.intoDir() {
		//lint:ignore ST1005 docker's words
		return nil, fmt.Errorf("When using %s with more than one source file, the destination must be a directory and end with a /", f.Name)
	}
	return f, nil
}

// intoDir tells whether the destination is a directory, whatever is there.
func (f *Found) intoDir() bool { return strings.HasSuffix(f.Dest, "/") || f.Parents }

func (f *Found) find(ctx context.Context, item *Item, exclude *patternmatcher.PatternMatcher) error {
	names := []string{path.Join(".", path.Clean("/" + item.Path)[1:])}
	wild := !item.Exact && hasWildcards(item.Path)
	if wild {
		var err error
		if names, err = glob(item.Tree, item.Path, f.Parents); err != nil {
			return err
		}
	}
	for _, name := range names {
		real, file, err := source.Resolve(item.Tree, name)
		if err != nil {
			return err
		}
		if file == nil {
			return &SourceError{fmt.Sprintf(
				"file not found in build context or excluded by .dockerignore: stat %s: file does not exist", name)}
		}
		r := root{item: item, name: real, base: path.Base(name), to: kept(item.Path, name), file: file}
		if !file.IsDir() {
			if out, err := matches(exclude, r.base, name); out || err != nil {
				if err != nil {
					return err
				}
				continue
			}
		} else if err := r.walk(ctx, ".", exclude); err != nil {
			return err
		}
		f.roots = append(f.roots, r)
	}
	return nil
}

// kept is the part of a source's path that --parents keeps: what stands behind "/./", if that is there.
func kept(pattern, name string) string {
	before, _, ok := strings.Cut(path.Join("/")+strings.TrimPrefix(pattern, "/"), "/./")
	if !ok {
		return name
	}
	skip := strings.Count(path.Clean(before), "/")
	if path.Clean(before) == "/" {
		skip = 0
	}
	parts := strings.Split(name, "/")
	return path.Join(parts[min(skip, len(parts)-1):]...)
}

func matches(m *patternmatcher.PatternMatcher, names ...string) (bool, error) {
	for _, name := range names {
		if ok, err := m.MatchesOrParentMatches(name); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// walk finds what is in a directory.
func (r *root) walk(ctx context.Context, dir string, exclude *patternmatcher.PatternMatcher) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	names, err := r.item.Tree.ReadDir(path.Join(r.name, dir))
	if err != nil {
		return err
	}
	for _, one := range names {
		name := path.Join(dir, one)
		file, err := r.item.Tree.Lstat(path.Join(r.name, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went
		}
		if err != nil {
			return err
		}
		out, err := matches(exclude, name)
		if err != nil {
			return err
		}
		if out && !(file.IsDir() && exclude.Exclusions()) {
			continue
		}
		at := len(r.below)
		r.below = append(r.below, entry{name, file})
		if !file.IsDir() {
			continue
		}
		if err := r.walk(ctx, name, exclude); err != nil {
			return err
		}
		if out && len(r.below) == at+1 {
			r.below = r.below[:at]
		}
	}
	return nil
}
