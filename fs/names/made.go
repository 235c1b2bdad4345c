package names

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Made is what was made in a mount and is not in the store: it is gone with the mount. It never changes.
type Made struct {
	// Dirs are repositories, HOST/PATH as docker has it. Those of true are shown though they have no tag: mkdir made them,
	// or rm has emptied them. Those of false are not, though a name by digest is left in them: rmdir removed them.
	Dirs map[string]bool
	// Links are symlinks by their paths, whose names are not meant to be tags: see [isTemporary].
	Links map[string]TemporaryLink
	// Hidden are the links to images of further platforms that were removed, each with its target.
	Hidden map[string]string
	// Gone are such links whose tag was removed. They are not listed any more, but who has listed them may remove them.
	Gone map[string]string
}

// TemporaryLink is a symlink that is about to be renamed.
type TemporaryLink struct {
	Target string // as it is shown
	Source string // the image it means, as Engine.Tag takes it
}

// temporary matches the names that programs give to a symlink before they rename it: coreutils' ln -sf (CuXXXXXX), and
// those that begin with a dot.
var temporary = regexp.MustCompile(`^(Cu[0-9A-Za-z]{6}|\..*)$`)

func isTemporary(name string) bool { return temporary.MatchString(name) }

// making is the current [Made], and which requests have begun to change something. It is kept in a file for a successor.
type making struct {
	path       string
	connection string
	current    atomic.Pointer[Made]

	mu    sync.Mutex // guards begun, and changes of current
	begun []uint64
}

// begunLimit is how many requests are remembered: more than can be unanswered at once.
const begunLimit = 1024

// made is the content of the file.
type made struct {
	Connection string
	Begun      []uint64
	Made
}

// openMaking takes what a predecessor on the connection has left.
func openMaking(dir, connection string) (*making, error) {
	m := &making{path: filepath.Join(dir, "made"), connection: connection}
	m.current.Store(&Made{})
	text, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	var left made
	if err := json.Unmarshal(text, &left); err != nil {
		return nil, &fs.PathError{Op: "parse", Path: m.path, Err: err}
	}
	if left.Connection == connection {
		m.begun = left.Begun
		m.current.Store(&left.Made)
	}
	return m, nil
}

// hasBegun tells whether a request is answered again that may have changed something before.
func (m *making) hasBegun(unique uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.begun, unique)
}

// begin writes down that a request is about to change something, and what change, if it is not nil, does to a copy of
// what was made.
func (m *making) begin(unique uint64, change func(*Made)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.begun, unique) {
		m.begun = append(m.begun, unique)
		m.begun = m.begun[max(0, len(m.begun)-begunLimit):]
	}
	return m.change(change)
}

// end is what follows a request that has begun.
func (m *making) end(change func(*Made)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.change(change)
}

func (m *making) change(change func(*Made)) error {
	next := m.current.Load()
	if change != nil {
		next = next.clone()
		change(next)
	}
	text, err := json.Marshal(made{m.connection, m.begun, *next})
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.path+".new", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(m.path+".new", m.path); err != nil {
		return err
	}
	m.current.Store(next)
	return nil
}

func (m *Made) clone() *Made {
	return &Made{clone(m.Dirs), clone(m.Links), clone(m.Hidden), clone(m.Gone)}
}

// clone is a copy that can be written to.
func clone[V any](m map[string]V) map[string]V {
	if m == nil {
		return make(map[string]V)
	}
	return maps.Clone(m)
}

// removeDir forgets the directory of a repository; hide keeps it from being shown. Its parent stays.
func (m *Made) removeDir(at, repo string, hide bool) {
	delete(m.Dirs, repo)
	if hide {
		m.Dirs[repo] = false
	}
	if end := strings.LastIndexByte(repo, '/'); end > 0 {
		m.Dirs[repo[:end]] = true
	}
	maps.DeleteFunc(m.Gone, func(path, _ string) bool { return strings.HasPrefix(path, at+"/") })
}
